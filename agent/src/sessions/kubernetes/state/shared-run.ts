interface Run {
  readonly stop: AbortController;
  /** Resolves when the previous run is over and this one has begun. */
  readonly begun: Promise<void>;
  ended: Promise<void>;
}

/** A long-lived task that runs while at least one user needs it, and ends with the last one. */
export class SharedRun {
  readonly #run: (signal: AbortSignal) => Promise<void>;
  #users = 0;
  #current: Run | undefined;

  constructor(run: (signal: AbortSignal) => Promise<void>) {
    this.#run = run;
  }

  get running(): boolean {
    return this.#users > 0;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#users++ === 0) this.#current = this.#start(this.#current);
    const current = this.#current!;
    try {
      await current.begun;
      return await work();
    } finally {
      if (--this.#users === 0) {
        current.stop.abort();
        await current.ended;
      }
    }
  }

  /** Runs share their state: one begins when the last one is over. */
  #start(last: Run | undefined): Run {
    const stop = new AbortController();
    const begun = Promise.resolve(last?.ended);
    const ended = begun.then(() => this.#run(stop.signal)).catch(() => undefined);
    return { stop, begun, ended };
  }
}
