import type { AgentMessageOf, ErrorCode, Session, SessionState } from '@streamspace/protocol';
import type { CommandRecord } from '../store/store.ts';

type Result = Pick<AgentMessageOf<'result'>, 'error' | 'session'>;

const DONE: Partial<Record<CommandRecord['action'], SessionState>> = {
  create_session: 'running',
  wake_session: 'running',
  hibernate_session: 'hibernated',
  delete_session: 'gone',
};

/** Most likely state of a session after a failed command, without a report of the agent. */
const NOT_DONE: Partial<Record<CommandRecord['action'], SessionState>> = {
  create_session: 'failed',
  wake_session: 'hibernated',
  hibernate_session: 'running',
  delete_session: 'failed',
};

/** Codes of commands that the agent did not begin, or that changed nothing. */
const REFUSALS: readonly string[] = [
  'conflict',
  'superseded',
  'invalid_request',
  'session_exists',
  'at_capacity',
] satisfies ErrorCode[];
/** Stable states of a session. */
const LASTING: readonly (SessionState | undefined)[] = ['running', 'hibernated', 'failed'];

/** The session's change by a command's end, if this is still its latest command (the store checks); undefined: none. */
export function sessionPatch(
  command: Pick<CommandRecord, 'action' | 'session' | 'attempt' | 'former'>,
  result: Result,
  at: string,
): Partial<Session> | undefined {
  if (command.session === null) return undefined;
  const { error, session: status } = result;
  if (error === undefined) {
    const state = DONE[command.action];
    if (state === undefined) return undefined;
    // a session may fail right after a successful command
    if (state !== 'gone' && status !== undefined)
      return { state: status.state, reason: status.reason ?? null, updated_at: at };
    return { state, reason: null, updated_at: at };
  }
  const { action, attempt, former } = command;
  const untouched = REFUSALS.includes(error.code) || (error.code === 'command_expired' && attempt === 0);
  const guess = untouched && LASTING.includes(former) ? former : NOT_DONE[action];
  if (guess === undefined) return undefined;
  // a wake of a session that does not exist
  const state = error.code === 'not_found' ? 'failed' : guess;
  return {
    state: action === 'create_session' ? 'failed' : (status?.state ?? state),
    reason: error.message,
    updated_at: at,
  };
}
