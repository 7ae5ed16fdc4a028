import { StreamSpaceError } from '@streamspace/protocol';

/** The pattern of session ids: platforms use the id as a part of object names. */
export const SESSION_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws `invalid_request` for a text that is no session id. */
export function checkSessionId(id: string): void {
  if (SESSION_ID.test(id)) return;
  throw new StreamSpaceError(
    'invalid_request',
    `session id ${JSON.stringify(id)}: lower case letters, digits and dashes, at most 63`,
  );
}
