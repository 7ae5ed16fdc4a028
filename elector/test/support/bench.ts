import { VirtualClock } from '@streamspace/testkit';
import { expect } from 'vitest';
import { Elector, type ElectorEvents, type ElectorOptions, type LeaseRecord, type Lock } from '../../src/index.ts';
import { MemoryLease } from '../../src/memory/index.ts';

/** Milliseconds. */
export const LEASE = 4000;
export const DEADLINE = 3000;
export const RETRY = 1000;
const AT = '2030-01-01T00:00:00.000Z';
export const FREE: LeaseRecord = {
  holder: '',
  term: 0,
  durationMs: LEASE,
  acquiredAt: AT,
  renewedAt: AT,
  transitions: 0,
};

/** Electors on one lease and one clock. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly lease = new MemoryLease('test', this.clock);
  readonly replicas: Replica[] = [];

  replica(name: string, options: Partial<ElectorOptions> = {}): Replica {
    const replica = new Replica(this, name, options);
    this.replicas.push(replica);
    return replica;
  }

  get leaders(): string[] {
    return this.replicas.filter(({ elector }) => elector.leading).map(({ name }) => name);
  }

  /** Three of them: `a` leads. */
  async three(options: Partial<ElectorOptions> = {}): Promise<{ a: Replica; b: Replica; c: Replica }> {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => this.replica(name, options)) as [Replica, Replica, Replica];
    a.start();
    await this.clock.advance(0);
    b.start();
    c.start();
    await this.clock.advance(100);
    expect(this.leaders).toEqual(['a']);
    return { a, b, c };
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    expect(this.clock.pending).toBe(0);
  }
}

/** An elector whose access to the lock can be cut. */
export class Replica {
  readonly name: string;
  readonly elector: Elector;
  readonly events: [keyof ElectorEvents, ElectorEvents[keyof ElectorEvents]][] = [];
  /** Calls fail. */
  cut = false;
  /** The watch tells nothing. */
  deaf = false;
  /** There is no watch. */
  mute = false;
  /** What a call does after its effect, before its answer. */
  answer: () => Promise<void> = () => Promise.resolve();
  calls = 0;
  watches = 0;
  readonly #bench: Bench;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;

  constructor(bench: Bench, name: string, options: Partial<ElectorOptions>) {
    this.#bench = bench;
    this.name = name;
    this.elector = new Elector({
      lock: this.#lock(bench.lease.lock()),
      clock: bench.clock,
      random: () => 0.5,
      identity: name,
      leaseDurationMs: LEASE,
      renewDeadlineMs: DEADLINE,
      retryPeriodMs: RETRY,
      ...options,
    });
    for (const type of ['elected', 'lost', 'raised', 'observed', 'error', 'renewed'] as const) {
      this.elector.on(type, (event) => this.events.push([type, event]));
    }
  }

  start(): this {
    this.#running = this.elector.run(this.#end.signal);
    return this;
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('stop'));
    let over = this.#running === undefined;
    void this.#running?.then(() => (over = true));
    await this.#bench.clock.advanceUntil(() => over, 60_000, `${this.name} stops`);
  }

  of<K extends keyof ElectorEvents>(type: K): ElectorEvents[K][] {
    return this.events.filter(([t]) => t === type).map(([, event]) => event as ElectorEvents[K]);
  }

  #lock(lock: Lock): Lock {
    const guarded = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        this.calls++;
        if (this.cut) throw new Error('unreachable');
        const result = await call(...args);
        await this.answer();
        return result;
      };
    };
    return {
      ...lock,
      read: guarded(lock.read.bind(lock)),
      create: guarded(lock.create.bind(lock)),
      update: guarded(lock.update.bind(lock)),
      watch: async (onChange, signal) => {
        this.watches++;
        if (this.mute) throw new Error('watching is forbidden');
        await lock.watch!((state) => {
          if (!this.deaf && !this.cut) onChange(state);
        }, signal);
      },
    };
  }
}
