import type { Clock } from 'clock-port';

/**
 * Whether the other end of a connection is still there: the times of its last sign of life and of the last ping. Silence counts when two
 * consecutive checks see it: after a pause of this process, received data may still wait to be read.
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

  /** Called for a sign of life. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#suspected = false;
  }

  /** Called when a ping was sent. */
  asked(): void {
    this.#askedAt = this.#clock.monotonic();
  }

  /** Milliseconds since the last sign of life. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#heardAt;
  }

  /** One check: true when there was no sign of life for more than `ms`, now and at the previous check. */
  isLost(ms: number): boolean {
    const silent = this.silentMs > ms;
    const lost = silent && this.#suspected;
    this.#suspected = silent;
    return lost;
  }

  /** Whether the last ping, or the beginning, was at least `ms` ago. */
  isDue(ms: number): boolean {
    return this.#clock.monotonic() - this.#askedAt >= ms;
  }
}
