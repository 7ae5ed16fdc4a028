/** What the API server refused, or that it could not be asked. `status` 0: no answer (network). */
export class ApiError extends Error {
  readonly status: number;
  /** Kubernetes' word for it: `AlreadyExists`, `Conflict`, `Forbidden`, `Expired`, `Invalid` …; empty when there was no answer. */
  readonly reason: string;
  /** The server asked not to be called again before that, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: number,
    reason: string,
    message: string,
    more: { retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = more.retryAfterMs;
  }

  /** The same request may succeed a little later. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const isStatus = (error: unknown, status: number, reason?: string): error is ApiError =>
  error instanceof ApiError && error.status === status && (reason === undefined || error.reason === reason);

/** Longer words of the server's are cut, characters. */
const WORDS = 8192;
const LONGEST_RETRY_AFTER_S = 60;

/** An answer's body as an error; bodies that are no Kubernetes `Status` are quoted. `retryAfter`: the header, at most 60 s count. */
export function apiErrorOf(status: number, body: string, retryAfter?: string): ApiError {
  const seconds = Number(retryAfter);
  const more = seconds > 0 ? { retryAfterMs: Math.min(seconds, LONGEST_RETRY_AFTER_S) * 1000 } : {};
  try {
    const { kind, reason, message } = JSON.parse(body) as { kind?: string; reason?: string; message?: string };
    if (kind === 'Status' || typeof message === 'string') {
      const words = (message ?? `The API server answered ${status}`).slice(0, WORDS);
      return new ApiError(status, reason ?? '', words, more);
    }
  } catch {
    // not JSON: a proxy in between
  }
  return new ApiError(status, '', `The API server answered ${status}: ${body.slice(0, 200)}`, more);
}
