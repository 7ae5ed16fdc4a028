import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from 'clock-port';
import { Bench, DEADLINE, LEASE, RETRY } from '../support/bench.ts';

describe('elector: what it sees of the lease, and when it does not', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.stop());

  it('standbys make few calls while the watch works', async () => {
    const { b, c } = await bench.three();
    const before = b.calls + c.calls;
    await bench.clock.advance(60_000);
    expect(b.calls + c.calls - before).toBeLessThanOrEqual(12);
    expect(b.watches).toBe(1);
  });

  it('[I3] an expired lease is taken, counted on the own monotonic clock', async () => {
    const { a, b, c } = await bench.three();
    a.cut = true;
    await bench.clock.advance(LEASE + 100);
    expect(bench.leaders.filter((name) => name !== 'a')).toHaveLength(1);
    expect([...b.of('elected'), ...c.of('elected')]).toMatchObject([
      { reason: 'expired', previousHolder: 'a', term: 2 },
    ]);
  });

  it('[I3] a holder that is known to be gone is succeeded at once', async () => {
    const { a, b, c } = await bench.three();
    a.cut = true;
    bench.lease.declareGone('a', 'the container terminated');
    await bench.clock.advance(1);
    expect([...b.of('elected'), ...c.of('elected')]).toMatchObject([{ reason: 'holder_gone', previousHolder: 'a' }]);
  });

  it('without a watch, polls', async () => {
    const { a, b, c } = await bench.three();
    b.deaf = c.deaf = true;
    await a.stop();
    await bench.clock.advance(3 * RETRY);
    expect(bench.leaders).toHaveLength(1);
  });

  it('failure 15: a watch that died silently is found out and replaced', async () => {
    const { b } = await bench.three();
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
    const { a } = await bench.three();
    a.deaf = true;
    await bench.clock.advance(5 * RETRY);
    expect(a.watches).toBeGreaterThan(1);
  });

  it('counts its lease from the beginning of a renewal, not from its answer', async () => {
    const { a } = await bench.three();
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

  it('stops at the renew deadline when it can not renew, by default', async () => {
    const { a } = await bench.three();
    const { signal } = a.elector.leading!;
    a.cut = true;
    await bench.clock.advance(DEADLINE + 1);
    expect(signal.aborted).toBe(true);
    expect(a.of('lost')).toMatchObject([{ reason: 'renew_deadline' }]);
  });

  it('K4 a standby that sees the lock first after an outage does not overtake the leader, which sees it a lease later', async () => {
    const { a, b, c } = await bench.three({ onLoseSight: 'keep-until-superseded' });
    a.cut = b.cut = c.cut = true;
    await bench.clock.advance(60_000);
    b.cut = c.cut = false;
    await bench.clock.advanceUntil(() => !b.elector.status().watching || b.calls > 0, 10_000, 'b sees it');
    await bench.clock.advance(LEASE + RETRY);
    a.cut = false;
    await bench.clock.advance(4 * LEASE);
    expect(bench.leaders).toEqual(['a']);
    expect(bench.replicas.flatMap((replica) => replica.of('elected'))).toHaveLength(1);
  });

  it('K4 a leader that died in the outage is overtaken after it, and one that dies later as fast as ever', async () => {
    const { a, b, c } = await bench.three({ onLoseSight: 'keep-until-superseded' });
    a.cut = b.cut = c.cut = true;
    await bench.clock.advance(60_000);
    b.cut = c.cut = false;
    await bench.clock.advance(2 * LEASE + 2 * DEADLINE);
    expect(bench.leaders.filter((name) => name !== 'a')).toHaveLength(1);
    const second = bench.replicas.find(({ name, elector }) => name !== 'a' && elector.leading)!;
    await bench.clock.advance(3 * LEASE);
    second.cut = true;
    await bench.clock.advance(LEASE + 100);
    expect(bench.leaders.filter((name) => name !== 'a' && name !== second.name)).toHaveLength(1);
  });

  it('[I2] keeps leading through an outage of the lock where it may, and nobody else takes over after it', async () => {
    const { a, b, c } = await bench.three({ onLoseSight: 'keep-until-superseded' });
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
    const { a } = await bench.three({ onLoseSight: 'keep-until-superseded' });
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
    const { a, b, c } = await bench.three();
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

  it('a deleted lease makes the leader inert at once; one of all has it again, with a greater term', async () => {
    const { a } = await bench.three({ onLoseSight: 'keep-until-superseded' });
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
    const { a, b, c } = await bench.three();
    a.deaf = b.deaf = c.deaf = true;
    bench.lease.delete();
    await bench.clock.advance(RETRY + 10);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.lease.state?.record.term).toBe(2);
  });
});
