import type { HubDeps } from '../deps.ts';
import type { QuotaCheck } from '../store/store.ts';
import type { QuotaUse } from './count.ts';
import type { QuotaSubject } from './quotas.ts';

/** A user as quotas know them: nothing tells the hub a user's groups yet. */
export const subjectOf = (user: string): QuotaSubject => ({ user, groups: [] });

/** The store's check of a step that adds so much for the subject; undefined where nothing limits it. */
export function quotaFor(
  { quotas }: Pick<HubDeps, 'quotas'>,
  subject: QuotaSubject,
  added: QuotaUse,
): QuotaCheck | undefined {
  const limits = quotas?.limitsOf(subject) ?? {};
  return Object.keys(limits).length === 0 ? undefined : { user: subject.user, limits, added };
}
