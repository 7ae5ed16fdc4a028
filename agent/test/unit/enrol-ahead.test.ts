import { type ErrorCode, StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { enrolAhead } from '../../src/link/enrol-ahead.ts';

/** A standby whose tries end as told, one after the other; the last one again and again. */
function standby(ends: (ErrorCode | 'ok')[], leads = () => false) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const tries: number[] = [];
  let over = false;
  const prepare = async () => {
    tries.push(clock.monotonic());
    const end = ends[Math.min(tries.length, ends.length) - 1]!;
    if (end !== 'ok') throw new StreamSpaceError(end, 'no');
  };
  const log = pino({ level: 'silent' });
  void enrolAhead({ credentials: { prepare }, clock, log, random: () => 0.5, leads }, stop.signal).then(
    () => (over = true),
  );
  return { clock, stop, tries, over: () => over };
}

describe('enrolling ahead of time', () => {
  it('goes on until the hub is there', async () => {
    const { clock, tries, over } = standby(['agent_offline', 'store_unavailable', 'ok']);
    await clock.advance(60_000);
    expect(tries).toHaveLength(3);
    expect(over()).toBe(true);
  });

  it.each(['conflict', 'unauthenticated', 'invalid_request'] as const)('ends when the hub says %s', async (code) => {
    const { clock, tries, over } = standby([code]);
    await clock.advance(60_000);
    expect([tries.length, over()]).toEqual([1, true]);
  });

  it('is left to the leader by a leader, and begins when that is none any more', async () => {
    let leads = true;
    const { clock, tries, over } = standby(['ok'], () => leads);
    await clock.advance(300_000);
    expect(tries).toEqual([]);
    leads = false;
    await clock.advance(120_000);
    expect([tries.length, over()]).toEqual([1, true]);
  });

  it('asks a hub that is away ever less often, and ends with the agent', async () => {
    const { clock, stop, tries, over } = standby(['agent_offline']);
    await clock.advance(600_000);
    expect(tries.length).toBeLessThan(30);
    stop.abort();
    await clock.advance(0);
    expect(over()).toBe(true);
  });
});
