import { sleep, withDeadline } from 'clock-port';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '@streamspace/testkit';

describe('VirtualClock', () => {
  it('runs timers in the order of their due time, promises between them', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    clock.setTimeout(() => seen.push('late'), 30);
    clock.setTimeout(() => {
      seen.push('early');
      void Promise.resolve().then(() => seen.push('promise'));
    }, 10);
    clock.setTimeout(() => seen.push('same time, set later'), 10);
    await clock.advance(20);
    expect(seen).toEqual(['early', 'promise', 'same time, set later']);
    expect(clock.monotonic()).toBe(20);
    await clock.advance(10);
    expect(seen.at(-1)).toBe('late');
    expect(clock.pending).toBe(0);
  });

  it('runs what a timer sets, if it is due within the same step', async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.setTimeout(() => clock.setTimeout(() => at.push(clock.monotonic()), 5), 5);
    await clock.advance(10);
    expect(at).toEqual([10]);
  });

  it('forgets a cancelled timer', async () => {
    const clock = new VirtualClock();
    let ran = false;
    clock.setTimeout(() => (ran = true), 5).cancel();
    await clock.advance(10);
    expect(ran).toBe(false);
  });
});

describe('waiting', () => {
  it('sleep ends with its signal and leaves no timer', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const asleep = sleep(clock, 1000, stop.signal);
    stop.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it('withDeadline gives up on work that ignores its signal', async () => {
    const clock = new VirtualClock();
    const work = withDeadline(clock, 50, 'the answer', undefined, () => new Promise<never>(() => {}));
    const outcome = expect(work).rejects.toThrow('the answer: no answer within 50 ms');
    await clock.advance(50);
    await outcome;
    expect(clock.pending).toBe(0);
  });

  it('withDeadline clears its timer when the work is done', async () => {
    const clock = new VirtualClock();
    await expect(withDeadline(clock, 50, 'x', undefined, async () => 7)).resolves.toBe(7);
    expect(clock.pending).toBe(0);
  });
});
