import type { SessionSpec } from '@streamspace/protocol';
import { hasHome } from './environment.ts';
import { isLive, type SessionRecord } from './record.ts';

/** Another of the sessions that lives in the home too, and is not being deleted: the home goes with its last. */
export const housemateOf = (
  { id, user, template }: SessionSpec,
  others: readonly SessionRecord[],
): string | undefined =>
  others.find(
    (other) =>
      other.id !== id &&
      isLive(other) &&
      hasHome(other.spec) &&
      other.spec.user === user &&
      // of one whose spec is lost only the user is known, if at all
      (other.specLost === true || other.spec.template === template),
  )?.id;
