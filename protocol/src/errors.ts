/**
 * The table of all errors between a user, the hub and an agent: SPEC.md [ERR1].
 * `retryable`: the same request may succeed later, unchanged. `http`: status of a REST answer or a refused upgrade.
 * `close`: WebSocket close code when the connection ends because of it (4000–4999 are ours).
 */
export const ERRORS = {
  // what the caller sent
  invalid_request: { retryable: false, http: 400, close: 4400 },
  malformed_frame: { retryable: false, http: 400, close: 4401 },
  unknown_message: { retryable: false, http: 400, close: 4402 },
  message_too_large: { retryable: false, http: 413, close: 1009 },
  unsupported_version: { retryable: false, http: 426, close: 4403 },
  hello_timeout: { retryable: true, http: 408, close: 4404 },
  // who the caller is
  unauthenticated: { retryable: false, http: 401, close: 4410 },
  forbidden: { retryable: false, http: 403, close: 4411 },
  origin_refused: { retryable: false, http: 403, close: 4412 },
  ticket_invalid: { retryable: false, http: 401, close: 4413 },
  // what it asked for
  not_found: { retryable: false, http: 404, close: 4420 },
  conflict: { retryable: false, http: 409, close: 4421 },
  session_not_running: { retryable: true, http: 409, close: 4422 },
  session_exists: { retryable: false, http: 409, close: 4423 },
  template_unknown: { retryable: false, http: 400, close: 4424 },
  no_placement: { retryable: true, http: 503, close: 4425 },
  at_capacity: { retryable: true, http: 503, close: 4426 },
  too_large: { retryable: false, http: 422, close: 4428 },
  region_unknown: { retryable: false, http: 400, close: 4429 },
  // not 429: clients repeat that by themselves, and here only the user can help
  quota_exceeded: { retryable: false, http: 403, close: 4419 },
  rate_limited: { retryable: true, http: 429, close: 4427 },
  // agents and their terms
  stale_term: { retryable: true, http: 409, close: 4430 },
  duplicate_agent: { retryable: true, http: 409, close: 4431 },
  superseded: { retryable: true, http: 409, close: 4432 },
  heartbeat_lost: { retryable: true, http: 408, close: 4433 },
  going_away: { retryable: true, http: 503, close: 1012 },
  // commands
  command_timeout: { retryable: true, http: 504, close: 4440 },
  command_expired: { retryable: true, http: 504, close: 4441 },
  command_aborted: { retryable: true, http: 503, close: 4442 },
  driver_failed: { retryable: false, http: 502, close: 4443 },
  disk_full: { retryable: true, http: 507, close: 4444 },
  home_of_another: { retryable: false, http: 409, close: 4445 },
  // streams
  agent_offline: { retryable: true, http: 503, close: 4450 },
  screen_unreachable: { retryable: true, http: 502, close: 4451 },
  stream_unknown: { retryable: false, http: 404, close: 4452 },
  credit_exceeded: { retryable: false, http: 400, close: 4453 },
  idle_timeout: { retryable: true, http: 408, close: 4454 },
  // the rest
  store_unavailable: { retryable: true, http: 503, close: 4460 },
  internal: { retryable: true, http: 500, close: 1011 },
} as const satisfies Record<string, { retryable: boolean; http: number; close: number }>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

/** An error that may cross the wire: its `code` is in {@link ERRORS}, its message is for people and names the remedy. */
export class StreamSpaceError extends Error {
  readonly code: ErrorCode;
  /** Further fields for the caller, e.g. `term` of a `stale_term`, `retry_after_ms`. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StreamSpaceError';
    this.code = code;
    this.details = details;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** HTTP status of the REST answer. */
  get http(): number {
    return ERRORS[this.code].http;
  }

  /** WebSocket close code. */
  get close(): number {
    return ERRORS[this.code].close;
  }

  toJSON(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(Object.keys(this.details).length > 0 && { details: { ...this.details } }),
    };
  }
}

/** JSON form of an error, in REST answers (`{error: ErrorBody}`) and in messages. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  details?: Record<string, unknown>;
}

/** Any thrown thing as a {@link StreamSpaceError}; foreign errors become `fallback` with their message. */
export function asStreamSpaceError(error: unknown, fallback: ErrorCode = 'internal'): StreamSpaceError {
  if (error instanceof StreamSpaceError) return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StreamSpaceError(
      'disk_full',
      'The disk is full: free some space, or move STATE_DIR to a larger one',
      {},
      { cause: error },
    );
  }
  return new StreamSpaceError(fallback, error instanceof Error ? error.message : String(error), {}, { cause: error });
}

/** The code of a WebSocket close, or undefined for one that is not ours. */
export function errorOfClose(close: number): ErrorCode | undefined {
  return ERROR_CODES.find((code) => ERRORS[code].close === close);
}
