import { type Clock, scope, sleep } from 'clock-port';

/** Time between two checks of an expired lease, milliseconds. */
const LOOK_MS = 100;
/** A timer's longest delay in Node, milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/** The reason why a write waits or was cancelled. */
export class LeaseRanOut extends Error {
  constructor() {
    super('The lease could not be renewed in time: another replica may lead');
    this.name = 'LeaseRanOut';
  }
}

/**
 * Keeps writes within the lease. A leader whose lease has expired keeps leading until it sees another leader, but its writes could then arrive
 * after the other's, and make again an object that the other has deleted. So after the expiry no write is sent, and writes in progress are
 * cancelled.
 */
export class LeaseFence {
  readonly #clock: Clock;
  readonly #until: () => number;

  /** `until`: the current end of the lease, monotonic milliseconds; Infinity if there is no lease. */
  constructor(clock: Clock, until: () => number) {
    this.#clock = clock;
    this.#until = until;
  }

  /** Resolves once the lease is valid; rejects when the signal aborts before. `onWait` is called with the reason if it is not valid yet. */
  async valid(signal: AbortSignal, onWait: (why: LeaseRanOut) => void): Promise<void> {
    if (this.#left > 0) return;
    onWait(new LeaseRanOut());
    while (this.#left <= 0) await sleep(this.#clock, LOOK_MS, signal);
  }

  /** Runs `work` with a signal that also aborts when the lease expires, with a {@link LeaseRanOut}. */
  async during<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const within = scope(signal);
    let timer: ReturnType<Clock['setTimeout']> | undefined;
    const look = () => {
      const left = this.#left;
      if (left <= 0) within.end(new LeaseRanOut());
      else if (left !== Infinity) timer = this.#clock.setTimeout(look, Math.min(left, LONGEST_MS));
    };
    look();
    try {
      return await work(within.signal);
    } finally {
      timer?.cancel();
      within.end();
    }
  }

  get #left(): number {
    return this.#until() - this.#clock.monotonic();
  }
}
