import type { Clock } from 'clock-port';

/**
 * Whether the other end of a connection is still there: when it was heard last, and when it was asked. Silence counts when it is seen at two
 * looks in a row: what came may still wait to be read by a process that was held up itself.
 */
export class Pulse {
  readonly #clock: Clock;
  /** Monotonic milliseconds. */
  #heardAt: number;
  #askedAt: number;
  #suspected = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = this.#askedAt = clock.monotonic();
  }

  /** A sign of life came. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#suspected = false;
  }

  /** A ping was sent. */
  asked(): void {
    this.#askedAt = this.#clock.monotonic();
  }

  /** Milliseconds since the last sign of life. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#heardAt;
  }

  /** One look: true when there was no sign of life for more than `ms`, now and at the look before. */
  isLost(ms: number): boolean {
    const silent = this.silentMs > ms;
    const lost = silent && this.#suspected;
    this.#suspected = silent;
    return lost;
  }

  /** Whether the last ping, or the beginning, is `ms` ago. */
  isDue(ms: number): boolean {
    return this.#clock.monotonic() - this.#askedAt >= ms;
  }
}
