import { StreamSpaceError } from '@streamspace/protocol';
import type { Clock } from 'clock-port';

/** Milliseconds of the longest wait that an agent is asked for. */
const MAX_WAIT_MS = 30_000;

/**
 * Lets agents in at a rate that hub and store can bear, however many come at once. Who is sent away gets a time of its own to come
 * again, one behind the other, so that a storm becomes a queue instead of the next storm.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #limit: { readonly perSecond: number; readonly inProgress: number };
  /** Monotonic milliseconds up to which places are given away. */
  #booked: number;

  constructor(clock: Clock, limit: { perSecond: number; inProgress: number }) {
    this.#clock = clock;
    this.#limit = limit;
    this.#booked = clock.monotonic() - 1_000;
  }

  /** Throws `rate_limited` with `retry_after_ms`. `inProgress`: handshakes that are under way. */
  enter(inProgress: number): void {
    const now = this.#clock.monotonic();
    const gap = 1_000 / this.#limit.perSecond;
    // a second's worth may come at once; what nobody used before that is lost
    const next = Math.max(this.#booked + gap, now - 1_000);
    if (next <= now && inProgress < this.#limit.inProgress) {
      this.#booked = next;
      return;
    }
    // who comes again takes a place then: only the order of coming is kept, spread over the time that it takes
    this.#later = Math.min(Math.max(this.#later + gap, now + 1_000), now + MAX_WAIT_MS);
    throw new StreamSpaceError('rate_limited', 'many agents connect at once: come again a little later', {
      retry_after_ms: Math.ceil(this.#later - now),
    });
  }

  #later = 0;
}
