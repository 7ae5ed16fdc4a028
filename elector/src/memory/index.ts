import { type Clock, iso, outcomeOf, untilAborted } from 'clock-port';
import { ConflictError, type LeaseRecord, type LeaseState, type Lock } from '../lock.ts';
import { termOf } from '../term.ts';

/** A lease in this process' memory, for several electors in one process, and for tests. All share one `MemoryLease`. */
export class MemoryLease {
  readonly name: string;
  readonly #clock: Clock;
  readonly #watchers = new Set<(state: LeaseState | undefined) => void>();
  readonly #candidates = new Map<string, string>();
  readonly #gone = new Map<string, string>();
  readonly #goneWatchers = new Set<() => void>();
  #state: LeaseState | undefined;
  #revision = 0;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  get state(): LeaseState | undefined {
    return this.#state;
  }

  /** Deletes the lease, as an operator would. */
  delete(): void {
    this.#change(undefined);
  }

  /** Declares this identity gone for good: `holderGone` waits for this. */
  declareGone(identity: string, evidence: string): void {
    this.#gone.set(identity, evidence);
    for (const watcher of this.#goneWatchers) watcher();
  }

  /** One replica's access to the lease. */
  lock(): Lock {
    return {
      name: this.name,
      read: async (signal) => {
        signal.throwIfAborted();
        return this.#state;
      },
      create: async (record, signal) => {
        signal.throwIfAborted();
        if (this.#state) throw new ConflictError('the lease exists already');
        return this.#change(record);
      },
      update: async (record, version, signal) => {
        signal.throwIfAborted();
        if (this.#state?.version !== version) throw new ConflictError('the lease is not at the version named');
        return this.#change(record);
      },
      watch: async (onChange, signal) => {
        this.#watchers.add(onChange);
        onChange(this.#state);
        await untilAborted(signal);
        this.#watchers.delete(onChange);
      },
      holderGone: (record, signal) => this.#holderGone(record.holder, signal),
      announce: async (identity, signal) => {
        this.#candidates.set(identity, iso(this.#clock.now()));
        await untilAborted(signal);
        this.#candidates.delete(identity);
      },
      candidates: async () => [...this.#candidates].map(([identity, since]) => ({ identity, since })),
    };
  }

  #holderGone(holder: string, signal: AbortSignal): Promise<string> {
    return outcomeOf<string>(signal, (resolve) => {
      const look = () => {
        const evidence = this.#gone.get(holder);
        if (evidence !== undefined) resolve(evidence);
      };
      this.#goneWatchers.add(look);
      look();
      return () => this.#goneWatchers.delete(look);
    });
  }

  #change(record: LeaseRecord | undefined): string {
    const version = String(++this.#revision);
    this.#state = record && { record: { ...record, term: termOf(record.term) }, version };
    for (const watcher of this.#watchers) watcher(this.#state);
    return version;
  }
}
