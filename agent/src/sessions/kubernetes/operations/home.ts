import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { sleep } from 'clock-port';
import { ApiError, isStatus } from '../api/error.ts';
import type { Context } from '../context.ts';
import { claimFor } from '../objects/claim.ts';
import { hasHome } from '../objects/environment.ts';
import { homeName } from '../objects/names.ts';
import { refusalOf } from '../state/refusal.ts';

const LOOK_AGAIN_MS = 500;
const LET_GO_MS = 10_000;

export async function readHome(
  { client }: Context,
  spec: SessionSpec,
  signal: AbortSignal,
): Promise<V1PersistentVolumeClaim | undefined> {
  try {
    return await client.get<V1PersistentVolumeClaim>('persistentvolumeclaims', homeName(spec), signal);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** What is said of a session whose home was not there any more, by whoever's doing. */
export const HOME_ANEW = 'Its home was not there any more, and has been made again: it is empty';

/**
 * Makes the home, if the session is to have one, unless it is there. One that is just being deleted is waited for, and made anew; `tell` hears
 * of that. Resolves with whether it was made, and whether in place of one that went away meanwhile.
 */
export async function ensureHome(
  context: Context,
  spec: SessionSpec,
  tell: (reason: string) => void,
  signal: AbortSignal,
): Promise<'there' | 'made' | 'made anew'> {
  if (!hasHome(spec)) return 'there';
  for (let waited = false; ; waited = true) {
    try {
      await context.client.create('persistentvolumeclaims', claimFor(spec, context.config), signal);
      return waited ? 'made anew' : 'made';
    } catch (error) {
      if (!isStatus(error, 409, 'AlreadyExists')) throw error instanceof ApiError ? refusalOf(error, 'home') : error;
    }
    const home = await readHome(context, spec, signal);
    if (home !== undefined && home.metadata?.deletionTimestamp === undefined) return 'there';
    if (home !== undefined) tell(leavingReason(home, context.view.pods.all()));
    await sleep(context.clock, LOOK_AGAIN_MS, signal);
  }
}

function leavingReason({ metadata }: V1PersistentVolumeClaim, pods: readonly V1Pod[]): string {
  const name = metadata?.name ?? '';
  const users = pods
    .filter(({ spec }) => spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name) === true)
    .map((pod) => pod.metadata?.name ?? '');
  const until =
    users.length > 0
      ? `pod ${users.slice(0, 3).join(', ')} still uses it: delete or hibernate that session`
      : `it has the finalizers ${metadata?.finalizers?.join(', ') || 'that are not known'}`;
  return `Its home ${name} is being deleted, and a new one can be made only then; ${until}`;
}

/** Another session that lives in the home too, and is not being deleted; undefined: the session is the home's last. */
export function housemateOf(context: Context, spec: SessionSpec): string | undefined {
  const name = homeName(spec);
  const other = context.view.records().find(
    (record) =>
      record.spec.id !== spec.id &&
      record.phase !== 'deleting' &&
      hasHome(record.spec) &&
      // of one whose spec is lost only the user is known, if at all
      (record.specLost === true ? record.spec.user === spec.user : homeName(record.spec) === name),
  );
  return other?.spec.id;
}

/** Removes the home, and waits a little for the cluster to let it go: it does so once no pod has it any more. */
export async function removeHome(context: Context, spec: SessionSpec, signal: AbortSignal): Promise<void> {
  if (!hasHome(spec)) return;
  const { client, clock } = context;
  const home = await readHome(context, spec, signal);
  if (home === undefined || !(await client.remove('persistentvolumeclaims', homeName(spec), {}, signal))) return;
  for (let waited = 0, pause = 25; waited < LET_GO_MS; waited += pause, pause *= 2) {
    const left = await readHome(context, spec, signal);
    if (left?.metadata?.uid !== home.metadata?.uid) return;
    await sleep(clock, pause, signal);
  }
}
