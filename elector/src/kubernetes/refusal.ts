import { ApiError } from 'kube-client';
import { LockError } from '../lock.ts';

/** The API server's refusal as the lock's error; any other error as it is. `what`: the call. */
export function lockErrorOf(error: unknown, what: string): unknown {
  if (!(error instanceof ApiError)) return error;
  const { status, message, retryAfterMs } = error;
  const remedy = status === 403 ? ' (the role of this service account lacks a verb)' : '';
  return new LockError(`${what}: ${status} ${message}${remedy}`, { cause: error, retryAfterMs });
}

/** The HTTP status of a refusal; `undefined` for any other error. */
export function refusedStatus(error: unknown): number | undefined {
  return error instanceof LockError && error.cause instanceof ApiError ? error.cause.status : undefined;
}
