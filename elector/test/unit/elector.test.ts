import { VirtualClock } from '@streamspace/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { sleep } from 'clock-port';
import {
  Elector,
  NotLeadingError,
  type ElectorEvents,
  type ElectorOptions,
  type LeaseRecord,
  type Lock,
} from '../../src/index.ts';
import { MemoryLease } from '../../src/memory/index.ts';

const LEASE = 4000;
const DEADLINE = 3000;
const RETRY = 1000;

const AT = '2030-01-01T00:00:00.000Z';
const FREE: LeaseRecord = { holder: '', term: 0, durationMs: LEASE, acquiredAt: AT, renewedAt: AT, transitions: 0 };

class Bench {
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

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    expect(this.clock.pending).toBe(0);
  }
}

/** An elector whose access to the lock can be cut. */
class Replica {
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

describe('elector', () => {
  let bench: Bench;
  afterEach(() => bench.stop());

  const three = async (options: Partial<ElectorOptions> = {}) => {
    bench = new Bench();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => bench.replica(name, options)) as [Replica, Replica, Replica];
    a.start();
    await bench.clock.advance(0);
    b.start();
    c.start();
    await bench.clock.advance(100);
    expect(bench.leaders).toEqual(['a']);
    return { a, b, c };
  };

  it('elects one of several at once, with term 1', async () => {
    bench = new Bench();
    for (const name of ['a', 'b', 'c']) bench.replica(name).start();
    await bench.clock.advance(100);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record).toMatchObject({ holder: bench.leaders[0], term: 1, transitions: 0 });
  });

  it('keeps its leader for as long as it renews', async () => {
    const { a } = await three();
    await bench.clock.advance(600_000);
    expect(bench.leaders).toEqual(['a']);
    expect(a.of('elected')).toHaveLength(1);
    expect(a.of('renewed').length).toBeGreaterThan(500);
  });

  it('standbys make few calls while the watch works', async () => {
    const { b, c } = await three();
    const before = b.calls + c.calls;
    await bench.clock.advance(60_000);
    expect(b.calls + c.calls - before).toBeLessThanOrEqual(12);
    expect(b.watches).toBe(1);
  });

  it('a release is taken at once, without waiting for expiry or a poll', async () => {
    const { a } = await three();
    await a.stop();
    await bench.clock.advance(1);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record).toMatchObject({ term: 2, transitions: 1 });
    expect(bench.replicas.flatMap((replica) => replica.of('elected')).at(-1)).toMatchObject({
      reason: 'released',
      previousHolder: '',
      term: 2,
    });
  });

  it('[I7] a leader that is stopped finishes first, and renews until it has', async () => {
    let finish = () => undefined as void;
    const onStop = () => new Promise<void>((resolve) => (finish = resolve));
    const { a, b } = await three({ onStop, stopTimeoutMs: 30_000 });
    const stopped = a.stop();
    await bench.clock.advance(20_000);
    expect(bench.leaders).toEqual(['a']);
    finish();
    await stopped;
    await bench.clock.advance(1);
    expect(bench.leaders).not.toContain('a');
    expect(bench.leaders).toHaveLength(1);
    expect(a.of('lost')).toMatchObject([{ reason: 'stopped', term: 1 }]);
    expect(b.of('error')).toEqual([]);
    finish = () => undefined;
  });

  it('[I7] a leader that can not finish releases all the same when its time is up', async () => {
    const { a } = await three({ onStop: () => new Promise(() => undefined), stopTimeoutMs: 5000 });
    const before = bench.clock.monotonic();
    await a.stop();
    expect(bench.clock.monotonic() - before).toBeLessThan(5100);
    await bench.clock.advance(1);
    expect(bench.leaders).not.toContain('a');
  });

  it('[I3] an expired lease is taken, counted on the own monotonic clock', async () => {
    const { a, b, c } = await three();
    a.cut = true;
    await bench.clock.advance(LEASE + 100);
    expect(bench.leaders.filter((name) => name !== 'a')).toHaveLength(1);
    expect([...b.of('elected'), ...c.of('elected')]).toMatchObject([
      { reason: 'expired', previousHolder: 'a', term: 2 },
    ]);
  });

  it('[I3] a holder that is known to be gone is succeeded at once', async () => {
    const { a, b, c } = await three();
    a.cut = true;
    bench.lease.declareGone('a', 'the container terminated');
    await bench.clock.advance(1);
    expect([...b.of('elected'), ...c.of('elected')]).toMatchObject([{ reason: 'holder_gone', previousHolder: 'a' }]);
  });

  it('without a watch, polls', async () => {
    const { a, b, c } = await three();
    b.deaf = c.deaf = true;
    await a.stop();
    await bench.clock.advance(3 * RETRY);
    expect(bench.leaders).toHaveLength(1);
  });

  it('failure 15: a watch that died silently is found out and replaced', async () => {
    const { b } = await three();
    b.deaf = true;
    await bench.clock.advance(3 * RETRY);
    expect(b.watches).toBe(2);
    b.deaf = false;
    const { calls } = b;
    await bench.clock.advance(20_000);
    expect(b.watches).toBe(2);
    expect(b.calls - calls).toBeLessThan(4);
  });

  it('a watch that can not be had is tried now and then; polls do without', async () => {
    bench = new Bench();
    for (const name of ['a', 'b', 'c']) {
      const replica = bench.replica(name);
      replica.mute = true;
      replica.start();
    }
    await bench.clock.advance(60_000);
    expect(bench.leaders).toHaveLength(1);
    for (const { watches } of bench.replicas) {
      expect(watches).toBeGreaterThan(10);
      expect(watches).toBeLessThan(45);
    }
    const leader = bench.replicas.find(({ elector }) => elector.leading)!;
    await leader.stop();
    await bench.clock.advance(3 * RETRY);
    expect(bench.leaders).toHaveLength(1);
  });

  it('failure 15: the leader finds out as well', async () => {
    const { a } = await three();
    a.deaf = true;
    await bench.clock.advance(5 * RETRY);
    expect(a.watches).toBeGreaterThan(1);
  });

  it('counts its lease from the beginning of a renewal, not from its answer', async () => {
    const { a } = await three();
    await bench.clock.advance(RETRY - 101);
    a.answer = () => sleep(bench.clock, 900);
    // begun at 1, answered 900 later
    await bench.clock.advance(1 + 901);
    expect(a.of('renewed')).toHaveLength(1);
    a.cut = true;
    await bench.clock.advance(DEADLINE - 901 - 1);
    expect(bench.leaders).toEqual(['a']);
    await bench.clock.advance(2);
    expect(bench.leaders).not.toContain('a');
  });

  it('does not lead by a claim that was superseded before its answer came', async () => {
    bench = new Bench();
    const a = bench.replica('a');
    const forever = new AbortController().signal;
    const foreign = bench.lease.lock();
    const version = await foreign.create({ ...FREE, holder: 'x' }, forever);
    a.start();
    await bench.clock.advance(1);
    a.answer = async () => {
      a.answer = () => Promise.resolve();
      const { record, version: claimed } = bench.lease.state!;
      await foreign.update({ ...record, holder: 'b', term: 2 }, claimed, forever);
    };
    await foreign.update(FREE, version, forever);
    await bench.clock.advance(1);
    expect(bench.lease.state?.record.holder).toBe('b');
    expect(a.of('elected')).toEqual([]);
    expect(bench.leaders).toEqual([]);
  });

  it('stopped while its claim was on the way: releases what it may have got', async () => {
    bench = new Bench();
    const a = bench.replica('a');
    let calls = 0;
    a.answer = () => (++calls === 2 ? new Promise(() => undefined) : Promise.resolve());
    a.start();
    await bench.clock.advance(1);
    expect(bench.lease.state?.record.holder).toBe('a');
    expect(bench.leaders).toEqual([]);
    await a.stop();
    expect(bench.lease.state?.record.holder).toBe('');
  });

  it('stops at the renew deadline when it can not renew, by default', async () => {
    const { a } = await three();
    const { signal } = a.elector.leading!;
    a.cut = true;
    await bench.clock.advance(DEADLINE + 1);
    expect(signal.aborted).toBe(true);
    expect(a.of('lost')).toMatchObject([{ reason: 'renew_deadline' }]);
  });

  it('[I2] keeps leading through an outage of the lock where it may, and nobody else takes over after it', async () => {
    const { a, b, c } = await three({ onLoseSight: 'keep-until-superseded' });
    const { signal } = a.elector.leading!;
    for (const replica of [a, b, c]) replica.cut = true;
    await bench.clock.advance(600_000);
    expect(signal.aborted).toBe(false);
    // the standbys come back first: the holder still gets its time to renew
    b.cut = c.cut = false;
    await bench.clock.advance(2 * RETRY);
    a.cut = false;
    await bench.clock.advance(60_000);
    expect(bench.leaders).toEqual(['a']);
    expect(signal.aborted).toBe(false);
    expect(a.elector.leading?.term).toBe(1);
  });

  it('[I2] one that was cut off and superseded loses as soon as it sees it, and is a standby again', async () => {
    const { a } = await three({ onLoseSight: 'keep-until-superseded' });
    const { signal } = a.elector.leading!;
    a.cut = true;
    await bench.clock.advance(10_000);
    expect(bench.leaders).toHaveLength(2);
    expect(signal.aborted).toBe(false);
    a.cut = false;
    await bench.clock.advance(2 * RETRY);
    expect(signal.aborted).toBe(true);
    expect(bench.leaders).toHaveLength(1);
    expect(a.of('lost')).toMatchObject([{ reason: 'superseded', term: 1 }]);
    expect(a.elector.status()).toMatchObject({ role: 'standby', holder: bench.leaders[0], term: 2 });
  });

  it('failure 9: after leadership is lost the same elector runs again, and can win again', async () => {
    const { a, b, c } = await three();
    for (let round = 0; round < 20; round++) {
      a.cut = true;
      await bench.clock.advance(10_000);
      expect(bench.leaders).not.toContain('a');
      a.cut = false;
      b.cut = c.cut = true;
      await bench.clock.advance(20_000);
      expect(bench.leaders).toContain('a');
      b.cut = c.cut = false;
      await bench.clock.advance(5000);
    }
    expect(a.of('elected')).toHaveLength(21);
    expect(a.of('lost')).toHaveLength(20);
  });

  it('failure 10: replicas of one lease follow one leader, whatever they are called', async () => {
    bench = new Bench();
    for (const name of ['pod-7d9f-x', 'pod-7d9f-y', 'other-0']) bench.replica(name).start();
    await bench.clock.advance(60_000);
    expect(bench.leaders).toHaveLength(1);
    for (const { elector } of bench.replicas) expect(elector.status().holder).toBe(bench.leaders[0]);
  });

  it('a deleted lease makes the leader inert at once; one of all has it again, with a greater term', async () => {
    const { a } = await three({ onLoseSight: 'keep-until-superseded' });
    const { signal } = a.elector.leading!;
    bench.lease.delete();
    expect(signal.aborted).toBe(true);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(1);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record.term).toBe(2);
    expect(a.of('lost')).toMatchObject([{ reason: 'deleted' }]);
  });

  it('a deletion that no watch tells of is found by the renewal', async () => {
    const { a, b, c } = await three();
    a.deaf = b.deaf = c.deaf = true;
    bench.lease.delete();
    await bench.clock.advance(RETRY + 10);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record.term).toBe(2);
  });

  it('[TERM1] a term exceeds the floor as well as all seen', async () => {
    bench = new Bench();
    bench.replica('a', { termFloor: () => 41 }).start();
    await bench.clock.advance(1);
    expect(bench.lease.state?.record.term).toBe(42);
  });

  it('[TERM3] raises its term in place when told of a greater one', async () => {
    const { a } = await three();
    const { signal } = a.elector.leading!;
    const raised = a.elector.raiseTerm(17);
    await bench.clock.advance(1);
    await expect(raised).resolves.toBe(18);
    expect(a.elector.leading).toMatchObject({ term: 18 });
    expect(signal.aborted).toBe(false);
    expect(bench.lease.state?.record).toMatchObject({ holder: 'a', term: 18, transitions: 0 });
    await expect(a.elector.raiseTerm(17)).resolves.toBe(18);
    expect(a.of('raised')).toEqual([{ term: 18, previousTerm: 1 }]);
  });

  it('[TERM3] does not raise what it does not hold; the term told of counts for the next claim', async () => {
    const { a, b } = await three();
    await expect(b.elector.raiseTerm(30)).rejects.toBeInstanceOf(NotLeadingError);
    await bench.replicas.splice(2, 1)[0]!.stop();
    await a.stop();
    await bench.clock.advance(1);
    expect(bench.lease.state?.record).toMatchObject({ holder: 'b', term: 31 });
  });

  it('[TERM3] loses when told of a greater term while the lock does not answer', async () => {
    const { a } = await three({ onLoseSight: 'keep-until-superseded' });
    a.cut = true;
    const raised = a.elector.raiseTerm(5).catch((error: unknown) => error);
    await bench.clock.advance(DEADLINE + 10);
    expect(await raised).toBeInstanceOf(NotLeadingError);
    expect(a.of('lost')).toMatchObject([{ reason: 'superseded' }]);
  });

  it('[TERM3] gives a lease back with no smaller term than it has, though the answer to a raise was lost', async () => {
    bench = new Bench();
    const a = bench.replica('a', { onLoseSight: 'keep-until-superseded' }).start();
    await bench.clock.advance(1);
    let calls = 0;
    a.answer = () => {
      // the raise is done and nobody says so; the next write conflicts; then the lease is read
      if (++calls === 1) return new Promise(() => undefined);
      a.cut = true;
      return Promise.resolve();
    };
    a.elector.raiseTerm(5).catch(() => undefined);
    await bench.clock.advanceUntil(() => a.cut, 10_000, 'the lease is read again');
    expect(bench.lease.state?.record.term).toBe(6);
    await bench.clock.advance(1);
    expect(a.elector.leading?.term).toBe(1);
    a.cut = false;
    a.elector.yield('for the sake of it', 30_000);
    await bench.clock.advance(1);
    expect(bench.lease.state?.record).toMatchObject({ holder: '', term: 6 });
  });

  it('yields: another leads, and it holds off', async () => {
    const { a } = await three();
    a.elector.yield('the hub does not answer', 30_000);
    await bench.clock.advance(1);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.leaders).not.toContain('a');
    expect(a.of('lost')).toMatchObject([{ reason: 'yielded', detail: 'the hub does not answer' }]);
    expect(a.elector.status()).toMatchObject({ lastLoss: { reason: 'yielded' } });
  });

  it('hesitates: one that could not serve leaves a free lease to those who could, and takes it when nobody does', async () => {
    bench = new Bench();
    const a = bench.replica('a').start();
    await bench.clock.advance(1_000);
    const hesitant = bench.replica('b', { hesitationMs: () => 5_000 }).start();
    const willing = bench.replica('c').start();
    await bench.clock.advance(1_000);
    await a.stop();
    await bench.clock.advance(500);
    expect(bench.leaders).toEqual(['c']);
    await willing.stop();
    await bench.clock.advance(4_500);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(1_000);
    expect(bench.leaders).toEqual(['b']);
    expect(hesitant.elector.leading?.term).toBe(3);
  });

  it('yields: with nobody else there it leads again after the hold-off, not before', async () => {
    bench = new Bench();
    const a = bench.replica('a').start();
    await bench.clock.advance(100);
    a.elector.yield('the hub does not answer', 30_000);
    await bench.clock.advance(29_000);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(1100);
    expect(bench.leaders).toEqual(['a']);
    expect(bench.lease.state?.record.term).toBe(2);
  });

  it('a lease in its own name that it did not knowingly take is taken anew, never assumed', async () => {
    bench = new Bench();
    const mine = { ...FREE, holder: 'a', term: 6, transitions: 3 };
    await bench.lease.lock().create(mine, new AbortController().signal);
    const a = bench.replica('a').start();
    await bench.clock.advance(1);
    expect(a.of('elected')).toMatchObject([{ reason: 'adopted', term: 7 }]);
    expect(bench.lease.state?.record).toMatchObject({ term: 7, transitions: 3 });
  });

  it('somebody who edits the lease does not cost the leader its place', async () => {
    const { a } = await three();
    const { record, version } = bench.lease.state!;
    await bench.lease.lock().update({ ...record }, version, new AbortController().signal);
    await bench.clock.advance(2 * RETRY);
    expect(bench.leaders).toEqual(['a']);
    expect(a.of('lost')).toEqual([]);
  });

  it('a foreign elector that writes no term supersedes, and is succeeded with a greater one', async () => {
    const { a, b, c } = await three();
    const { record, version } = bench.lease.state!;
    await bench.lease.lock().update({ ...record, holder: 'foreign' }, version, new AbortController().signal);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(LEASE + 10);
    expect(bench.leaders).toHaveLength(1);
    expect([a, b, c].flatMap((replica) => replica.of('elected')).map(({ term }) => term)).toEqual([1, 2]);
  });

  it('answers for the operator: who leads, since when, what next', async () => {
    const { a, b } = await three();
    await bench.clock.advance(5000);
    expect(a.elector.status()).toMatchObject({ role: 'leader', holder: 'a', term: 1, lock: 'test', watching: true });
    expect(b.elector.status()).toMatchObject({ role: 'standby', holder: 'a', identity: 'b' });
    expect(b.elector.status().nextAttemptAt).toMatch(/^2030-/);
    expect((await b.elector.candidates(new AbortController().signal)).map(({ identity }) => identity)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('a listener that throws harms nobody and is reported', async () => {
    bench = new Bench();
    const a = bench.replica('a');
    a.elector.on('elected', () => {
      throw new Error('mine');
    });
    a.start();
    await bench.clock.advance(10_000);
    expect(bench.leaders).toEqual(['a']);
    expect(a.of('error')).toMatchObject([{ during: 'listener', error: { message: 'mine' } }]);
  });

  it('refuses timings that do not fit together, all problems at once', () => {
    bench = new Bench();
    const timings = { leaseDurationMs: 1000, renewDeadlineMs: 1000, retryPeriodMs: 1000 };
    expect(() => bench.replica('a', timings)).toThrow(/renew deadline.*lease duration/);
  });

  it('runs once at a time, and can be run again', async () => {
    bench = new Bench();
    const { elector } = bench.replica('a');
    const first = new AbortController();
    const running = elector.run(first.signal);
    await expect(elector.run(first.signal)).rejects.toThrow('running already');
    await bench.clock.advance(100);
    first.abort();
    await running;
    expect(bench.clock.pending).toBe(0);
    const second = new AbortController();
    const again = elector.run(second.signal);
    await bench.clock.advance(100);
    expect(elector.leading?.term).toBe(2);
    second.abort();
    await again;
  });
});
