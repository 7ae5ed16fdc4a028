import { VirtualClock } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Idleness } from '../../src/sessions/idleness.ts';

const MINUTE = 60_000;

describe('idle sessions', () => {
  let clock: VirtualClock;
  let running: string[];
  let idle: string[];
  let idleness: Idleness;
  let stop: AbortController;
  let ended: Promise<void>;

  beforeEach(async () => {
    clock = new VirtualClock();
    running = ['a', 'b'];
    idle = [];
    stop = new AbortController();
    idleness = new Idleness({
      clock,
      timeout: 30 * MINUTE,
      running: () => running,
      onIdle: (id) => void idle.push(id),
    });
    ended = idleness.run(stop.signal);
    await clock.advance(0);
  });
  afterEach(async () => {
    stop.abort();
    await ended;
    expect(clock.pending).toBe(0);
  });

  it('are told when nobody used them for the timeout, and not before', async () => {
    await clock.advance(29 * MINUTE);
    idleness.used('b');
    expect(idle).toEqual([]);
    await clock.advance(1 * MINUTE);
    expect(idle).toEqual(['a']);
    running = ['b'];
    await clock.advance(28 * MINUTE);
    expect(idle).toEqual(['a']);
    await clock.advance(1 * MINUTE);
    expect(idle).toEqual(['a', 'b']);
  });

  it('count as used when they are first seen to run, and when they run again', async () => {
    await clock.advance(20 * MINUTE);
    running = ['b', 'c'];
    await clock.advance(1 * MINUTE);
    running = ['a', 'c'];
    await clock.advance(29 * MINUTE);
    expect(idle).toEqual([]);
    await clock.advance(1 * MINUTE);
    expect(idle).toEqual(['c']);
    await clock.advance(0.5 * MINUTE);
    expect(new Set(idle)).toEqual(new Set(['a', 'c']));
  });

  it('are told again, not all the time, while they still run', async () => {
    running = ['a'];
    await clock.advance(30 * MINUTE);
    expect(idle).toEqual(['a']);
    await clock.advance(0.9 * MINUTE);
    expect(idle).toEqual(['a']);
    await clock.advance(0.6 * MINUTE);
    expect(idle).toEqual(['a', 'a']);
  });
});
