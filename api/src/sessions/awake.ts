import type { Session } from '@streamspace/protocol';
import type { HubDeps } from '../deps.ts';

/** Removes the session's announcement [SES10]. Returns the session after that; `updated_at` stays. */
export async function putOff(
  { store, publish }: { store: Pick<HubDeps['store'], 'sessions'>; publish: HubDeps['publish'] },
  session: Session,
): Promise<Session> {
  if ((session.sleeps_at ?? null) === null) return session;
  const changed = await store.sessions.update(session.id, { sleeps_at: null });
  if (changed === undefined) return session;
  await publish.session(changed);
  return changed;
}
