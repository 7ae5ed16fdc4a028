import type { LeaseState } from './lock.ts';

/** A replica's time as leader. */
export interface Leading {
  /** The term of all actions; may grow by `Elector.raiseTerm`. */
  readonly term: number;
  /** Aborts the moment leadership is lost: no action of this leadership may follow. */
  readonly signal: AbortSignal;
}

/** The call needs the lease, and this replica does not hold it (any more). */
export class NotLeadingError extends Error {
  constructor(message = 'this replica does not lead') {
    super(message);
    this.name = 'NotLeadingError';
  }
}

/** The elector's internal state of one leadership. */
export class Leadership implements Leading {
  term: number;
  version: string;
  /** The term in the lease at `version`: greater than `term` if the answer to a raise was lost. Later writes must not fall below it. */
  leaseTerm: number;
  /** Monotonic milliseconds of the begin of the last successful write. */
  renewedAt: number;
  /** Time of the next write. */
  renewAt: number;
  /** Failed writes in a row. */
  failures = 0;
  /** Set by `yield`. */
  yielding: string | undefined;
  /** A term that must be exceeded. */
  wantedAbove = -1;
  wantedSince = 0;
  readonly acquiredAt: string;
  readonly transitions: number;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #raises: { above: number; resolve: (term: number) => void; reject: (error: Error) => void }[] = [];

  constructor(state: LeaseState, renewedAt: number, renewAt: number) {
    this.term = this.leaseTerm = state.record.term;
    this.version = state.version;
    this.acquiredAt = state.record.acquiredAt;
    this.transitions = state.record.transitions;
    this.renewedAt = renewedAt;
    this.renewAt = renewAt;
    this.signal = this.#controller.signal;
  }

  get lost(): boolean {
    return this.signal.aborted;
  }

  get mustRaise(): boolean {
    return this.wantedAbove >= this.term;
  }

  mustExceed(term: number, now: number): void {
    if (!this.mustRaise) this.wantedSince = now;
    this.wantedAbove = Math.max(this.wantedAbove, term);
  }

  /** Resolves with the term once it is greater than `above`; rejects when leadership is lost before. */
  raised(above: number, now: number): Promise<number> {
    if (this.term > above) return Promise.resolve(this.term);
    this.mustExceed(above, now);
    return new Promise((resolve, reject) => this.#raises.push({ above, resolve, reject }));
  }

  settleRaises(): void {
    const waiting = this.#raises;
    this.#raises = waiting.filter(({ above }) => above >= this.term);
    for (const { above, resolve } of waiting) if (above < this.term) resolve(this.term);
  }

  end(reason: Error): void {
    this.#controller.abort(reason);
    for (const { reject } of this.#raises.splice(0)) reject(new NotLeadingError(reason.message));
  }
}
