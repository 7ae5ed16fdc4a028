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

/** An answer's body as an error; bodies that are no Kubernetes `Status` are quoted. */
export function apiErrorOf(status: number, body: string, retryAfter?: string): ApiError {
  const seconds = Number(retryAfter);
  const more = Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {};
  try {
    const parsed = JSON.parse(body) as { kind?: string; reason?: string; message?: string };
    if (parsed.kind === 'Status') {
      return new ApiError(status, parsed.reason ?? '', parsed.message ?? `The API server answered ${status}`, more);
    }
  } catch {
    // not JSON: a proxy in between
  }
  return new ApiError(status, '', `The API server answered ${status}: ${body.slice(0, 200)}`, more);
}
