import { type Action, type Session, type SessionState, StreamSpaceError } from '@streamspace/protocol';

/** What a user may ask of a session that is there. */
export type UserOperation = 'hibernate' | 'wake' | 'delete';

export interface Rule {
  action: Action;
  /** State while the agent carries it out: a repeat in it gets the command that is under way. */
  during: SessionState;
  from: readonly SessionState[];
}

/** SPEC.md [SES1]. */
export const RULES: Readonly<Record<UserOperation, Rule>> = {
  hibernate: { action: 'hibernate_session', during: 'hibernating', from: ['running'] },
  wake: { action: 'wake_session', during: 'waking', from: ['hibernated', 'failed'] },
  delete: {
    action: 'delete_session',
    during: 'deleting',
    from: ['pending', 'starting', 'running', 'hibernating', 'hibernated', 'waking', 'failed'],
  },
};

/** What is to be done before the operation can be. */
const REMEDY: Readonly<Record<SessionState, string>> = {
  pending: 'wait until it runs',
  starting: 'wait until it runs',
  running: 'it runs already',
  hibernating: 'wait until it is hibernated',
  hibernated: 'it is already hibernated: wake it to use it',
  waking: 'wait until it runs',
  deleting: 'it is being deleted',
  gone: 'it is gone',
  failed: 'wake it to try again, or delete it',
};

/**
 * Whether the operation is to be carried out (`begin`) or is under way already (`repeat`). Throws `conflict` with the reason when the
 * session's state doesn't allow it, `not_found` when it is gone.
 */
export function decide(operation: UserOperation, session: Pick<Session, 'id' | 'state'>): 'begin' | 'repeat' {
  const { state, id } = session;
  if (state === 'gone') throw new StreamSpaceError('not_found', `session ${id} is gone`);
  const { during, from } = RULES[operation];
  if (state === during) return 'repeat';
  if (from.includes(state)) return 'begin';
  throw new StreamSpaceError(
    'conflict',
    `session ${id} is ${state} and can't ${operation === 'delete' ? 'be deleted' : operation} now: ${REMEDY[state]}`,
    { state },
  );
}

/** Throws `session_not_running` when there can be no screen now. */
export function requireScreen({ id, state }: Pick<Session, 'id' | 'state'>): void {
  if (state === 'running') return;
  const remedy = state === 'hibernated' ? 'wake it first' : REMEDY[state];
  throw new StreamSpaceError('session_not_running', `session ${id} is ${state}: ${remedy}`, { state });
}
