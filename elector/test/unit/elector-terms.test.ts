import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotLeadingError } from '../../src/index.ts';
import { Bench, DEADLINE, FREE, LEASE } from '../support/bench.ts';

describe('elector: terms and claims', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.stop());

  it('does not lead by a claim that was superseded before its answer came', async () => {
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

  it('[TERM1] a term exceeds the floor as well as all seen', async () => {
    bench.replica('a', { termFloor: () => 41 }).start();
    await bench.clock.advance(1);
    expect(bench.lease.state?.record.term).toBe(42);
  });

  it('[TERM3] raises its term in place when told of a greater one', async () => {
    const { a } = await bench.three();
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
    const { a, b } = await bench.three();
    await expect(b.elector.raiseTerm(30)).rejects.toBeInstanceOf(NotLeadingError);
    await bench.replicas.splice(2, 1)[0]!.stop();
    await a.stop();
    await bench.clock.advance(1);
    expect(bench.lease.state?.record).toMatchObject({ holder: 'b', term: 31 });
  });

  it('[TERM3] loses when told of a greater term while the lock does not answer', async () => {
    const { a } = await bench.three({ onLoseSight: 'keep-until-superseded' });
    a.cut = true;
    const raised = a.elector.raiseTerm(5).catch((error: unknown) => error);
    await bench.clock.advance(DEADLINE + 10);
    expect(await raised).toBeInstanceOf(NotLeadingError);
    expect(a.of('lost')).toMatchObject([{ reason: 'superseded' }]);
  });

  it('[TERM3] gives a lease back with no smaller term than it has, though the answer to a raise was lost', async () => {
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

  it('a foreign elector that writes no term supersedes, and is succeeded with a greater one', async () => {
    const { a, b, c } = await bench.three();
    const { record, version } = bench.lease.state!;
    await bench.lease.lock().update({ ...record, holder: 'foreign' }, version, new AbortController().signal);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(LEASE + 10);
    expect(bench.leaders).toHaveLength(1);
    expect([a, b, c].flatMap((replica) => replica.of('elected')).map(({ term }) => term)).toEqual([1, 2]);
  });
});
