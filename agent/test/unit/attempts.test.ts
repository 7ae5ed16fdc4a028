import { hedged } from 'clock-port';
import { VirtualClock } from '@streamspace/testkit';
import { expect, it } from 'vitest';
import { attemptsOf } from '../../src/link/attempts.ts';

/** Attempts that were opened by then, none of which is answered. */
async function opened(proxy: object | undefined, isTaken: boolean, ms: number): Promise<number> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  let count = 0;
  const attempt = (_signal: AbortSignal, taken: () => void) => {
    count += 1;
    if (isTaken) taken();
    return new Promise<never>(() => undefined);
  };
  const asked = hedged(clock, stop.signal, attempt, attemptsOf(proxy)).catch(() => undefined);
  await clock.advance(ms);
  stop.abort();
  await asked;
  return count;
}

it.each([
  ['no replica that accepts a connection', undefined, false, [13, 29]],
  ['a replica that accepted and is slow', undefined, true, [4, 20]],
  ['a proxy, which accepts for all of them', {}, true, [4, 20]],
  ['a proxy that accepts nothing', {}, false, [4, 20]],
])('[CON1] attempts within 2 s, and in all: %s', async (_what, proxy, isTaken, counts) => {
  expect([await opened(proxy, isTaken, 1_999), await opened(proxy, isTaken, 60_000)]).toEqual(counts);
});
