import { type Accepted, type Session, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { CommandNotifier } from '../agents/ports.ts';
import type { AuthenticatedUser } from '../auth/users.ts';
import type { HubDeps } from '../deps.ts';
import { publicCommand } from '../public/command.ts';
import type { CommandRecord, Reservation, SessionChange } from '../store/store.ts';
import { addedByWake } from '../quotas/count.ts';
import { quotaFor, subjectOf } from '../quotas/check.ts';
import { newCommand } from '../commands/new-command.ts';
import { specFor } from './records.ts';
import { decide, type UserOperation, RULES } from './rules.ts';

/** How often a session that changed between reading and writing is read again. */
const ATTEMPTS = 5;

/** The session, if the user may see it; `not_found` otherwise, also for another user's [AUTH2]. */
export async function sessionFor(
  { store }: Pick<HubDeps, 'store'>,
  id: string,
  user: AuthenticatedUser,
): Promise<Session> {
  const session = await store.sessions.get(id);
  if (session === undefined || (!user.admin && session.user !== user.id))
    throw new StreamSpaceError('not_found', `there is no session ${id}`);
  return session;
}

/**
 * Gives the session another name: the hub's alone, its agent keeps the one of its beginning [SES9]. `updated_at` stays: that is of the state, and what
 * the agent says of that must not lose against a name. Throws `not_found`.
 */
export async function renameSession(
  deps: HubDeps,
  id: string,
  name: string,
  user: AuthenticatedUser,
): Promise<Session> {
  const session = await sessionFor(deps, id, user);
  const renamed = session.state === 'gone' ? undefined : await deps.store.sessions.update(id, { name });
  if (renamed === undefined) throw new StreamSpaceError('not_found', `session ${id} is gone`);
  await deps.publish.session(renamed);
  return renamed;
}

/**
 * Hibernates, wakes or deletes a session: the command and the session's new state are stored in one step. A repeat of what is under
 * way gets that command again. Throws `not_found`, `conflict`, and for a wake `agent_offline`, `at_capacity` or `quota_exceeded`.
 */
export async function changeSession(
  deps: HubDeps & { dispatcher: CommandNotifier },
  operation: UserOperation,
  id: string,
  caller: { user: AuthenticatedUser; traceId: string; deleteHome?: boolean },
): Promise<Accepted> {
  const { store, clock, publish } = deps;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const session = await sessionFor(deps, id, caller.user);
    if (decide(operation, session) === 'repeat') {
      // whoever came first may have been refused because the store's replicas did not have it
      const command = session.command === null ? undefined : await store.commands.get(session.command, 'lasting');
      if (command !== undefined) return { session, command: publicCommand(command) };
    }
    const { action, during } = RULES[operation];
    const reservation = operation === 'wake' ? await roomToWake(deps, session) : undefined;
    // whoever wakes it: it is its user's share
    const quota = operation === 'wake' ? quotaFor(deps, subjectOf(session.user), addedByWake(session)) : undefined;
    const payload = await payloadOf(deps, operation, session, caller.deleteHome === true);
    const command = newCommand(deps, {
      action,
      agent: session.agent,
      session: id,
      user: caller.user.id,
      traceId: caller.traceId,
      payload,
      former: session.state,
    });
    const change: SessionChange = {
      id,
      from: { state: session.state, command: session.command },
      patch: {
        state: during,
        reason: null,
        command: command.id,
        updated_at: iso(clock.now()),
        ...(session.sleeps_at && { sleeps_at: null }),
      },
      ...(reservation && { reservation }),
      ...(quota && { quota }),
    };
    const stored = await store.commands.append(command, change);
    if (stored === 'at_capacity')
      throw new StreamSpaceError(
        'at_capacity',
        `agent ${session.agent}, which has the session's home, has no room for it now: hibernate or delete another session`,
      );
    if (stored === 'conflict') continue;
    deps.dispatcher.wake(session.agent);
    const changed = { ...session, ...change.patch };
    await Promise.all([publish.session(changed), publish.command(command)]);
    return { session: changed, command: publicCommand(command) };
  }
  throw new StreamSpaceError('conflict', `session ${id} keeps changing: try again`);
}

async function payloadOf(
  { store }: HubDeps,
  operation: UserOperation,
  session: Session,
  deleteHome: boolean,
): Promise<CommandRecord['payload']> {
  if (operation === 'delete') return { delete_home: deleteHome };
  const template = operation === 'wake' ? await store.templates.get(session.template) : undefined;
  return template === undefined ? {} : { spec: specFor(session, template) };
}

/** A woken session takes up room again, on the agent that has its home. One that is away keeps the command until it is back. */
async function roomToWake({ store }: HubDeps, session: Session): Promise<Reservation | undefined> {
  const agent = await store.agents.get(session.agent);
  if (agent === undefined) return undefined;
  if (agent.draining)
    throw new StreamSpaceError(
      'agent_offline',
      `agent ${agent.id}, which has the session's home, is being drained: wake it when the agent is back`,
    );
  const { max_sessions: maxSessions, cpu, memory } = agent.capacity;
  return { maxSessions, cpu, memory };
}
