import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';

export const notFound = (id: string): StreamSpaceError =>
  new StreamSpaceError('not_found', `There is no session ${id} here`);

export const sessionExists = (id: string): StreamSpaceError =>
  new StreamSpaceError('session_exists', `Session ${id} exists with another spec: choose another id`);

export const beingDeleted = (id: string): StreamSpaceError =>
  new StreamSpaceError('conflict', `Session ${id} is being deleted`);

/** The error for a screen that is not available in the session's state. */
export function notRunning(id: string, { state, reason }: Pick<SessionStatus, 'state' | 'reason'>): StreamSpaceError {
  const why = state === 'hibernated' ? ': wake it first' : reason ? `: ${reason}` : '';
  return new StreamSpaceError('session_not_running', `Session ${id} is ${state}${why}`);
}

/** The error for a record that changes after every read. */
export const changedAlways = (sessionId: string): StreamSpaceError =>
  new StreamSpaceError(
    'conflict',
    `Session ${sessionId} is changed by others all the time: is another agent using the same place under the same AGENT_ID?`,
  );
