/** A refusal of the API server, or a failure to reach it. `status` 0: no answer (network). */
export class ApiError extends Error {
  readonly status: number;
  /** Kubernetes' reason: `AlreadyExists`, `Conflict`, `Forbidden`, `Expired`, `Invalid` …; empty when there was no answer. */
  readonly reason: string;
  /** Milliseconds that the server asked to wait before the next call. */
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

  /** Whether the same request may succeed a little later. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const isStatus = (error: unknown, status: number, reason?: string): error is ApiError =>
  error instanceof ApiError && error.status === status && (reason === undefined || error.reason === reason);

/** Longest message of the server, characters; the rest is cut off. */
const WORDS = 8192;
const LONGEST_RETRY_AFTER_S = 60;

/** A response's body as an error; a body that is no Kubernetes `Status` is quoted. `retryAfter`: the header, at most 60 s count. */
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
    // not JSON: the answer of a proxy
  }
  return new ApiError(status, '', `The API server answered ${status}: ${body.slice(0, 200)}`, more);
}
