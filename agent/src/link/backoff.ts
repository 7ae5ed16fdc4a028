import type { Clock } from 'clock-port';

export interface BackoffOptions {
  /** Milliseconds. */
  readonly base: number;
  /** Longest delay, milliseconds, unless the hub asks for more. */
  readonly max: number;
  /** After a welcomed connection of this length, milliseconds, the next failure counts as the first. */
  readonly stableAfter?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Full jitter [CON5]: uniform in [0, min(max, base · 2ⁿ)]. A connection alone does not reset n: otherwise agents would storm a hub that accepts
 * and then refuses, or that drops the link after the welcome (failure 14).
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #options: BackoffOptions;
  #failures = 0;
  #welcomeAt: number | undefined;

  constructor(clock: Clock, options: BackoffOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Attempts since the last stable connection. */
  get failures(): number {
    return this.#failures;
  }

  /** Called when a connection was welcomed. */
  welcome(): void {
    this.#welcomeAt = this.#clock.monotonic();
  }

  /** Called when a connection ended or failed. Returns the milliseconds to wait, at least the hub's `retryAfter`. */
  next(retryAfter = 0): number {
    const { base, max, stableAfter = 30_000, random } = this.#options;
    if (this.#welcomeAt !== undefined && this.#clock.monotonic() - this.#welcomeAt >= stableAfter) this.#failures = 0;
    this.#welcomeAt = undefined;
    const ceiling = Math.min(max, base * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    // The hub's value is the minimum, and the jitter comes on top: otherwise all agents would return at the same moment.
    return retryAfter + random() * (retryAfter > 0 ? Math.min(ceiling, base) : ceiling);
  }
}
