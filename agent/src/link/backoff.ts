import type { Clock } from 'clock-port';

export interface BackoffOptions {
  /** Milliseconds. */
  readonly base: number;
  /** Milliseconds: no delay is longer, but for what a hub asked for. */
  readonly max: number;
  /** A connection that was welcome and stayed up for so long makes the next failure the first one. Milliseconds. */
  readonly stableAfter?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Full jitter [CON5]: uniform in [0, min(max, base · 2ⁿ)]. Being connected is not enough to start over: a hub that accepts and then
 * refuses, or drops us after the welcome, would be stormed (failure 14).
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

  /** Tries since the last stable connection. */
  get failures(): number {
    return this.#failures;
  }

  /** A connection was welcome. */
  welcome(): void {
    this.#welcomeAt = this.#clock.monotonic();
  }

  /** The connection is over, or there was none: milliseconds to wait, at least `retryAfter` where the hub said so. */
  next(retryAfter = 0): number {
    const { base, max, stableAfter = 30_000, random } = this.#options;
    if (this.#welcomeAt !== undefined && this.#clock.monotonic() - this.#welcomeAt >= stableAfter) this.#failures = 0;
    this.#welcomeAt = undefined;
    const ceiling = Math.min(max, base * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    // The hub's wish comes first; jitter on top of it, or all agents that it asked come back in the same moment.
    return retryAfter + random() * (retryAfter > 0 ? Math.min(ceiling, base) : ceiling);
  }
}
