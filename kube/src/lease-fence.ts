import { type Clock, scope, sleep } from 'clock-port';

/** Between two looks at a lease that has run out, milliseconds. */
const LOOK_MS = 100;
/** A timer's longest delay in Node, milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/** Why a write waits, or was taken back. */
export class LeaseRanOut extends Error {
  constructor() {
    super('The lease could not be renewed in time: another replica may lead');
    this.name = 'LeaseRanOut';
  }
}

/**
 * Keeps writes within the lease. A leader whose lease has run out unrenewed goes on leading until it sees another one, but what it writes
 * meanwhile could come after the other's writes, and make again what that one has deleted: so nothing is sent then, and what is on its way is
 * taken back.
 */
export class LeaseFence {
  readonly #clock: Clock;
  readonly #until: () => number;

  /** `until`: the end of the lease as it is now, monotonic milliseconds; Infinity where there is none. */
  constructor(clock: Clock, until: () => number) {
    this.#clock = clock;
    this.#until = until;
  }

  /** Resolves once the lease is valid; rejects when the signal aborts before. `onWait` hears why it is not. */
  async valid(signal: AbortSignal, onWait: (why: LeaseRanOut) => void): Promise<void> {
    if (this.#left > 0) return;
    onWait(new LeaseRanOut());
    while (this.#left <= 0) await sleep(this.#clock, LOOK_MS, signal);
  }

  /** Runs `work` with a signal that aborts when the lease runs out, too, with a {@link LeaseRanOut}. */
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
