import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, FREE, RETRY } from '../support/bench.ts';

describe('elector', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.stop());

  it('elects one of several at once, with term 1', async () => {
    for (const name of ['a', 'b', 'c']) bench.replica(name).start();
    await bench.clock.advance(100);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record).toMatchObject({ holder: bench.leaders[0], term: 1, transitions: 0 });
  });

  it('keeps its leader for as long as it renews', async () => {
    const { a } = await bench.three();
    await bench.clock.advance(600_000);
    expect(bench.leaders).toEqual(['a']);
    expect(a.of('elected')).toHaveLength(1);
    expect(a.of('renewed').length).toBeGreaterThan(500);
  });

  it('a release is taken at once, without waiting for expiry or a poll', async () => {
    const { a } = await bench.three();
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
    const { a, b } = await bench.three({ onStop, stopTimeoutMs: 30_000 });
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
    const { a } = await bench.three({ onStop: () => new Promise(() => undefined), stopTimeoutMs: 5000 });
    const before = bench.clock.monotonic();
    await a.stop();
    expect(bench.clock.monotonic() - before).toBeLessThan(5100);
    await bench.clock.advance(1);
    expect(bench.leaders).not.toContain('a');
  });

  it('failure 10: replicas of one lease follow one leader, whatever they are called', async () => {
    for (const name of ['pod-7d9f-x', 'pod-7d9f-y', 'other-0']) bench.replica(name).start();
    await bench.clock.advance(60_000);
    expect(bench.leaders).toHaveLength(1);
    for (const { elector } of bench.replicas) expect(elector.status().holder).toBe(bench.leaders[0]);
  });

  it('a lease in its own name that it did not knowingly take is taken anew, never assumed', async () => {
    const mine = { ...FREE, holder: 'a', term: 6, transitions: 3 };
    await bench.lease.lock().create(mine, new AbortController().signal);
    const a = bench.replica('a').start();
    await bench.clock.advance(1);
    expect(a.of('elected')).toMatchObject([{ reason: 'adopted', term: 7 }]);
    expect(bench.lease.state?.record).toMatchObject({ term: 7, transitions: 3 });
  });

  it('somebody who edits the lease does not cost the leader its place', async () => {
    const { a } = await bench.three();
    const { record, version } = bench.lease.state!;
    await bench.lease.lock().update({ ...record }, version, new AbortController().signal);
    await bench.clock.advance(2 * RETRY);
    expect(bench.leaders).toEqual(['a']);
    expect(a.of('lost')).toEqual([]);
  });

  it('answers for the operator: who leads, since when, what next', async () => {
    const { a, b } = await bench.three();
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
    const timings = { leaseDurationMs: 1000, renewDeadlineMs: 1000, retryPeriodMs: 1000 };
    expect(() => bench.replica('a', timings)).toThrow(/renew deadline.*lease duration/);
  });

  it('runs once at a time, and can be run again', async () => {
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
