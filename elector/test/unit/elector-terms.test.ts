import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_TERM, NotLeadingError } from '../../src/index.ts';
import { Bench, DEADLINE, FREE, LEASE, RETRY } from '../support/bench.ts';

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

  it('[TERM1] a lease that is made anew outranks one that was made and deleted unseen', async () => {
    const a = bench.replica('a', { lock: { ...bench.lease.lock(), termBefore: async () => 7 } });
    a.start();
    await bench.clock.advance(RETRY);
    expect(bench.lease.state?.record.term).toBe(1);
    bench.lease.delete();
    await bench.clock.advance(RETRY);
    expect(a.of('elected').map(({ term, reason }) => [term, reason])).toEqual([
      [1, 'created'],
      [8, 'deleted'],
    ]);
    expect(bench.lease.state?.record).toMatchObject({ holder: 'a', term: 8 });
  });

  it('[TERM1] does not wait longer than a retry period for a watch that lags', async () => {
    const termBefore = (_: string, signal: AbortSignal) =>
      new Promise<number>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const a = bench.replica('a', { lock: { ...bench.lease.lock(), termBefore } });
    a.start();
    await bench.clock.advance(RETRY);
    bench.lease.delete();
    await bench.clock.advance(RETRY - 1);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(100);
    expect(a.elector.leading?.term).toBe(2);
    expect(a.of('error')).toMatchObject([{ during: 'claim' }]);
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

  it.each([2 ** 53 - 1, 2 ** 53, 1e20])(
    'K5 %d written into the lease is garbage: the lead goes on and on, under terms that nobody held before',
    async (term) => {
      const { a } = await bench.three();
      const { record, version } = bench.lease.state!;
      await bench.lease.lock().update({ ...record, term }, version, new AbortController().signal);
      await bench.clock.advance(LEASE);
      expect(bench.leaders).toEqual(['a']);
      await a.stop();
      await bench.clock.advance(1);
      await bench.replicas.find(({ elector }) => elector.leading)!.stop();
      await bench.clock.advance(1);
      expect(bench.leaders).toHaveLength(1);
      const terms = bench.replicas.flatMap((replica) => replica.of('elected')).map((event) => event.term);
      expect(terms.toSorted((x, y) => x - y)).toEqual([1, 2, 3, 4]);
      expect(bench.lease.state?.record.term).toBe(4);
    },
  );

  it('K5 the greatest term that a lease may state leaves room: the leader changes, and a term is always had that exceeds what the hub knows', async () => {
    await bench.three();
    const { record, version } = bench.lease.state!;
    const most = MAX_TERM - 2 ** 32 - 1;
    await bench.lease.lock().update({ ...record, term: most }, version, new AbortController().signal);
    expect(bench.lease.state?.record.term).toBe(most);
    let accepted = most;
    while (bench.replicas.length > 0) {
      await bench.clock.advance(LEASE);
      const leader = bench.replicas.find(({ elector }) => elector.leading)!;
      // as the hub does [TERM3]: what is no greater is refused, and a greater one is written
      if (leader.elector.leading!.term <= accepted) {
        const raised = leader.elector.raiseTerm(accepted);
        await bench.clock.advance(1);
        await raised;
      }
      expect(leader.elector.leading!.term).toBe(accepted + 1);
      accepted++;
      await leader.stop();
      bench.replicas.splice(bench.replicas.indexOf(leader), 1);
    }
    expect(accepted).toBe(most + 3);
  });

  it('K5 is told that nothing exceeds the last term', async () => {
    const { a } = await bench.three();
    await expect(a.elector.raiseTerm(MAX_TERM)).rejects.toThrow(`no term is greater than ${MAX_TERM}`);
    expect(bench.leaders).toEqual(['a']);
  });
});
