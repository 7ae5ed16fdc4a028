import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../support/bench.ts';

describe('elector: giving way', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.stop());

  it('yields: another leads, and it holds off', async () => {
    const { a } = await bench.three();
    a.elector.yield('the hub does not answer', 30_000);
    await bench.clock.advance(1);
    expect(bench.leaders).toHaveLength(1);
    expect(bench.leaders).not.toContain('a');
    expect(a.of('lost')).toMatchObject([{ reason: 'yielded', detail: 'the hub does not answer' }]);
    expect(a.elector.status()).toMatchObject({ lastLoss: { reason: 'yielded' } });
  });

  it('hesitates: one that could not serve leaves a free lease to those who could, and takes it when nobody does', async () => {
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
    const a = bench.replica('a').start();
    await bench.clock.advance(100);
    a.elector.yield('the hub does not answer', 30_000);
    await bench.clock.advance(29_000);
    expect(bench.leaders).toEqual([]);
    await bench.clock.advance(1100);
    expect(bench.leaders).toEqual(['a']);
    expect(bench.lease.state?.record.term).toBe(2);
  });
});
