import { VirtualClock } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Idleness } from '../../src/sessions/idleness.ts';

const MINUTE = 60_000;

describe('idle sessions', () => {
  let clock: VirtualClock;
  let running: string[];
  let idle: string[];
  let notices: [id: string, inMs: number | undefined][];
  let idleness: Idleness;
  let stop: AbortController;
  let ended: Promise<void>;

  beforeEach(async () => {
    clock = new VirtualClock();
    running = ['a', 'b'];
    idle = [];
    notices = [];
    stop = new AbortController();
    idleness = new Idleness({
      clock,
      timeout: 30 * MINUTE,
      running: () => running,
      onNotice: (...notice) => void notices.push(notice),
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

  it('V2 are announced a minute before, whatever the time of looking, and once', async () => {
    await clock.advance(10.25 * MINUTE);
    idleness.used('b');
    await clock.advance(18.7 * MINUTE);
    expect(notices).toEqual([]);
    await clock.advance(0.05 * MINUTE);
    expect(notices).toEqual([['a', MINUTE]]);
    await clock.advance(0.5 * MINUTE);
    expect(idleness.notices).toEqual([['a', 0.5 * MINUTE]]);
    await clock.advance(0.5 * MINUTE);
    expect(idle).toEqual(['a']);
    running = ['b'];
    await clock.advance(9.25 * MINUTE);
    expect(notices.slice(1)).toEqual([
      ['a', undefined],
      ['b', MINUTE],
    ]);
    await clock.advance(1 * MINUTE);
    expect(idle).toEqual(['a', 'b']);
  });

  it('V2 stay awake for another whole time when somebody uses them, to the last moment', async () => {
    running = ['a'];
    await clock.advance(30 * MINUTE - 1);
    expect(notices).toEqual([['a', MINUTE]]);
    idleness.used('a');
    idleness.used('a');
    expect(notices.slice(1)).toEqual([['a', undefined]]);
    expect(idleness.notices).toEqual([]);
    await clock.advance(29 * MINUTE - 1);
    expect(idle).toEqual([]);
    await clock.advance(1);
    expect(notices).toHaveLength(3);
    await clock.advance(MINUTE);
    expect(idle).toEqual(['a']);
  });

  it('V2 are announced again when they could not be hibernated', async () => {
    running = ['a'];
    await clock.advance(30 * MINUTE);
    await clock.advance(1_000);
    expect(notices).toEqual([
      ['a', MINUTE],
      ['a', undefined],
      ['a', MINUTE],
    ]);
  });

  it('V2 that end otherwise are not told', async () => {
    await clock.advance(29 * MINUTE);
    running = [];
    await clock.advance(2 * MINUTE);
    expect(idle).toEqual([]);
    expect(notices).toHaveLength(2);
    expect(idleness.notices).toEqual([]);
  });
});
