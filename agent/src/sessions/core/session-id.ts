import { StreamSpaceError } from '@streamspace/protocol';

/** What sessions may be called: it becomes part of names that platforms give to things. */
export const SESSION_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws `invalid_request` for what is no session's id. */
export function checkSessionId(id: string): void {
  if (SESSION_ID.test(id)) return;
  throw new StreamSpaceError(
    'invalid_request',
    `session id ${JSON.stringify(id)}: lower case letters, digits and dashes, at most 63`,
  );
}
