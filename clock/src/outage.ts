import type { Clock, Timer } from './clock.ts';

/** Milliseconds between two log lines of a lasting outage. */
const EVERY_MS = 60_000;
/** Milliseconds without a failure after which an outage counts as over if no success reports its end: longer than any pause between two attempts. */
const QUIET_MS = 90_000;

/** The part of a logger that an outage needs. */
export interface OutageLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Logs a repeated failure in few lines: one at its beginning, one a minute with the latest failure, one
 * at its end. All have `failures` so far and `outage_ms`, milliseconds from the first to the last failure.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #log: OutageLog;
  readonly #message: string;
  #failures = 0;
  /** Monotonic milliseconds. */
  #first = 0;
  #last = 0;
  #told = 0;
  #quiet: Timer | undefined;

  /** `message`: a constant string, of all its lines. */
  constructor(clock: Clock, log: OutageLog, message: string) {
    this.#clock = clock;
    this.#log = log;
    this.#message = message;
  }

  /** It failed (once more). */
  failed(fields: object): void {
    const now = this.#clock.monotonic();
    if (this.#failures++ === 0) this.#first = now;
    this.#last = now;
    if (this.#failures === 1) {
      this.#told = now;
      this.#log.warn(fields, this.#message);
    } else if (now - this.#told >= EVERY_MS) {
      this.#told = now;
      this.#log.warn({ ...fields, ...this.#sums }, this.#message);
    }
    // one timer for any number of failures
    this.#quiet ??= this.#clock.setTimeout(() => this.#look(), QUIET_MS);
  }

  /** It works. */
  over(): void {
    if (this.#failures > 0) this.#log.info({ ...this.#sums, outage: this.#message }, 'An outage is over');
    this.stop();
  }

  /** Nobody tries any more: leaves no timer behind, and says nothing. */
  stop(): void {
    this.#quiet?.cancel();
    this.#quiet = undefined;
    this.#failures = 0;
  }

  get #sums(): object {
    return { failures: this.#failures, outage_ms: Math.round(this.#last - this.#first) };
  }

  #look(): void {
    const rest = this.#last + QUIET_MS - this.#clock.monotonic();
    this.#quiet = rest > 0 ? this.#clock.setTimeout(() => this.#look(), rest) : undefined;
    if (rest <= 0) this.over();
  }
}
