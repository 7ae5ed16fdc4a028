import { coalesce, coalesceEach } from 'clock-port';
import { describe, expect, it } from 'vitest';

/** Rounds that end when the test says so. */
function rounds() {
  const begun: { key: unknown; end: () => void; fail: (error: Error) => void }[] = [];
  const round = (key?: unknown) =>
    new Promise<void>((resolve, reject) => begun.push({ key, end: resolve, fail: reject }));
  return { begun, round };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('coalesce', () => {
  it('calls during a round cause exactly one more, after it', async () => {
    const { begun, round } = rounds();
    const ask = coalesce(round);
    void ask();
    expect(begun).toHaveLength(1);
    const both = Promise.all([ask(), ask()]);
    await settle();
    expect(begun).toHaveLength(1);
    begun[0]!.end();
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]!.end();
    await both;
    void ask();
    expect(begun).toHaveLength(3);
  });

  it('a call between a round and the one asked for joins that one', async () => {
    const { begun, round } = rounds();
    const ask = coalesce(round);
    const first = ask();
    const second = ask();
    begun[0]!.end();
    // the first caller is told before the second round begins
    const third = first.then(() => ask());
    await settle();
    expect(begun).toHaveLength(2);
    begun[1]!.end();
    await Promise.all([second, third]);
    expect(begun).toHaveLength(2);
  });

  it('a round that asks for another gets one after itself', async () => {
    let runs = 0;
    const ask: () => Promise<void> = coalesce(async () => {
      runs += 1;
      if (runs < 3) void ask();
      await settle();
      expect(runs).toBeLessThanOrEqual(3);
    });
    await ask();
    await ask();
    await settle();
    await settle();
    expect(runs).toBe(3);
  });

  it('a round that fails tells its callers alone', async () => {
    const { begun, round } = rounds();
    const ask = coalesce(round);
    const first = ask();
    const second = ask();
    begun[0]!.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await settle();
    begun[1]!.end();
    await expect(second).resolves.toBeUndefined();
  });

  it('keys don’t wait for each other', async () => {
    const { begun, round } = rounds();
    const ask = coalesceEach(round);
    void ask('a');
    void ask('b');
    void ask('a');
    await settle();
    expect(begun.map(({ key }) => key)).toEqual(['a', 'b']);
    begun[0]!.end();
    await settle();
    expect(begun.map(({ key }) => key)).toEqual(['a', 'b', 'a']);
  });
});
