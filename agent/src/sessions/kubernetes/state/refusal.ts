import { StreamSpaceError } from '@streamspace/protocol';
import { failed, type FailureCode, kindOf } from '../../core/failure.ts';
import { type ApiError, isStatus } from 'kube-client';

/** Whether the namespace's quota caused the error. */
export const isQuota = (error: unknown): boolean => isStatus(error, 403) && /exceeded quota/.test(error.message);

/** The API server's refusal, in words for the user who wanted a session. `what`: e.g. `pod`. */
export function refusalOf(error: ApiError, what: string): StreamSpaceError {
  const quota = /exceeded quota: (.+?), requested: (.+?), used: (.+?), limited: (.+)$/.exec(error.message);
  if (quota !== null) {
    const [, name, requested, used, limited] = quota;
    return new StreamSpaceError(
      'at_capacity',
      `The namespace’s quota ${name} is used up: the ${what} needs ${requested}, used is ${used} of ${limited}. ` +
        'Delete or hibernate a session, or raise the quota',
      kindOf('quota'),
      { cause: error },
    );
  }
  const security = /violates PodSecurity "([^"]+)": (.+)$/.exec(error.message);
  if (security !== null) {
    return refused(
      `The namespace enforces Pod Security ${security[1]}, which the ${what} violates: ${security[2]}. ` +
        'Change SESSION_POD_TEMPLATE, or the namespace’s label',
      error,
      'permission',
    );
  }
  if (error.status === 401)
    return refused(`The API server rejects the agent’s token (401): ${error.message}`, error, 'permission');
  if (error.status === 403 && /cannot \w+ resource/.test(error.message)) {
    return refused(`The agent’s Role does not allow it: ${error.message}`, error, 'permission');
  }
  return refused(
    `The API server refused the ${what}: ${error.message}`,
    error,
    error.status === 429 ? 'throttled' : undefined,
  );
}

const refused = (reason: string, cause: ApiError, code?: FailureCode): StreamSpaceError =>
  failed({ reason, code }, { cause });
