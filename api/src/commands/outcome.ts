import type { AgentMessageOf, Command, Session, SessionState } from '@streamspace/protocol';

type Result = Pick<AgentMessageOf<'result'>, 'error' | 'session'>;

const DONE: Partial<Record<Command['action'], SessionState>> = {
  create_session: 'running',
  wake_session: 'running',
  hibernate_session: 'hibernated',
  delete_session: 'gone',
};

/** Where a session most likely is when a command did not do its work, and the agent doesn't say. */
const NOT_DONE: Partial<Record<Command['action'], SessionState>> = {
  create_session: 'failed',
  wake_session: 'hibernated',
  hibernate_session: 'running',
  delete_session: 'failed',
};

/** What a command's end changes in its session, if that is still this command's (the store looks); undefined when nothing. */
export function sessionPatch(
  command: Pick<Command, 'action' | 'session'>,
  result: Result,
  at: string,
): Partial<Session> | undefined {
  if (command.session === null) return undefined;
  const { error, session: status } = result;
  if (error === undefined) {
    const state = DONE[command.action];
    if (state === undefined) return undefined;
    // a session may fail right behind a command that succeeded
    if (state !== 'gone' && status !== undefined)
      return { state: status.state, reason: status.reason ?? null, updated_at: at };
    return { state, reason: null, updated_at: at };
  }
  const state = NOT_DONE[command.action];
  if (state === undefined) return undefined;
  return {
    state: command.action === 'create_session' ? state : (status?.state ?? state),
    reason: error.message,
    updated_at: at,
  };
}
