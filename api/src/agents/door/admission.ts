import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';

/** Longest wait that the hub asks of an agent, milliseconds. */
const MAX_WAIT_MS = 30_000;

/**
 * Admits agents at a rate that hub and store can bear. Each refused agent gets its own time to return,
 * one after the other, so that a storm becomes a queue instead of the next storm.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #limit: { readonly perSecond: number; readonly inProgress: number };
  /** Monotonic milliseconds up to which places are assigned. */
  #booked: number;

  constructor(clock: Clock, limit: { perSecond: number; inProgress: number }) {
    this.#clock = clock;
    this.#limit = limit;
    this.#booked = clock.monotonic() - 1_000;
  }

  /** Throws `rate_limited` with `retry_after_ms`. `inProgress`: handshakes in progress. */
  enter(inProgress: number): void {
    const now = this.#clock.monotonic();
    const gap = 1_000 / this.#limit.perSecond;
    // one second's number may come at once; earlier unused places are lost
    const next = Math.max(this.#booked + gap, now - 1_000);
    if (next <= now && inProgress < this.#limit.inProgress) {
      this.#booked = next;
      return;
    }
    // an agent takes its place when it returns: this keeps only the order of arrival, spread over the required time
    this.#later = Math.min(Math.max(this.#later + gap, now + 1_000), now + MAX_WAIT_MS);
    throw new StreamSpaceError('rate_limited', 'many agents connect at once: come again a little later', {
      retry_after_ms: Math.ceil(this.#later - now),
    });
  }

  #later = 0;
}
