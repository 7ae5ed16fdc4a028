/** Bounds, milliseconds. */
const [LEAST, MOST] = [300, 15_000];
/** A WebSocket takes as many trips as a ticket on a new connection, or a few more; this leaves room for a bad moment. */
const TIMES = 10;
/** Each try in a row that nobody took is given more time. */
const GROWTH = 1.2;

/**
 * How long a socket may take to open before another is tried: behind the hub's address there may be replicas that died, and a browser opens
 * one WebSocket to an address at a time (RFC 6455 §4.1), so that waiting for one keeps it from meeting another.
 */
export class OpeningTime {
  #silent = 0;

  /** Milliseconds for the next try; `ticketMs` is what an answer of the hub took just before. */
  next(ticketMs: number): number {
    return Math.min(MOST, Math.max(LEAST, TIMES * ticketMs) * GROWTH ** this.#silent++);
  }

  /** One opened. */
  reset(): void {
    this.#silent = 0;
  }
}
