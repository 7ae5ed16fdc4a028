/** Bounds, milliseconds. */
const [LEAST, MOST] = [300, 15_000];
/** A WebSocket takes as many round trips as a ticket on a new connection, or a few more; this factor leaves a margin. */
const TIMES = 10;
/** Each consecutive unaccepted attempt gets more time. */
const GROWTH = 1.2;

/**
 * Longest time for a socket to open before the next attempt: replicas behind the hub's address may be dead, and a browser opens
 * one WebSocket to an address at a time (RFC 6455 §4.1), so that waiting for one prevents the next.
 */
export class OpeningTime {
  #silent = 0;

  /** Milliseconds for the next attempt; `ticketMs` is the duration of the hub's last answer. */
  next(ticketMs: number): number {
    return Math.min(MOST, Math.max(LEAST, TIMES * ticketMs) * GROWTH ** this.#silent++);
  }

  /** A socket opened. */
  reset(): void {
    this.#silent = 0;
  }
}
