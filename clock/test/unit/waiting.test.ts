import { VirtualClock } from '@streamspace/testkit';
import { expect, it } from 'vitest';
import { abortable, DeadlineError, pause, scope, sleep, untilAborted, withDeadline } from '../../src/index.ts';

const stopped = new Error('stopped');

it('sleeps, and rejects with the reason of the abort; no timer is left', async () => {
  const clock = new VirtualClock();
  const end = new AbortController();
  const slept = sleep(clock, 1000, end.signal);
  await clock.advance(1000);
  await slept;
  const cut = sleep(clock, 1000, end.signal);
  end.abort(stopped);
  await expect(cut).rejects.toBe(stopped);
  await expect(sleep(clock, 1, end.signal)).rejects.toBe(stopped);
  expect(clock.pending).toBe(0);
});

it('pauses until the time is over or the signal aborts, and rejects for neither', async () => {
  const clock = new VirtualClock();
  const end = new AbortController();
  const paused = pause(clock, 1000, end.signal);
  end.abort(stopped);
  await paused;
  await pause(clock, 1000, end.signal);
  expect(clock.pending).toBe(0);
});

it('waits for the abort, also where it has been', async () => {
  const end = new AbortController();
  let over = false;
  const waited = untilAborted(end.signal).then(() => (over = true));
  await Promise.resolve();
  expect(over).toBe(false);
  end.abort(stopped);
  await waited;
  await untilAborted(end.signal);
});

it('leaves a call that ignores its signal, and begins none after the abort', async () => {
  const end = new AbortController();
  await expect(abortable(end.signal, async () => 7)).resolves.toBe(7);
  const never = abortable(end.signal, () => new Promise(() => undefined));
  end.abort(stopped);
  await expect(never).rejects.toBe(stopped);
  let begun = false;
  await expect(abortable(end.signal, async () => (begun = true))).rejects.toBe(stopped);
  expect(begun).toBe(false);
});

it('a deadline names what was waited for, and leaves no timer when the work is done', async () => {
  const clock = new VirtualClock();
  const late = withDeadline(clock, 500, 'answer of the store', undefined, () => new Promise(() => undefined));
  late.catch(() => undefined);
  await clock.advance(500);
  await expect(late).rejects.toThrow(new DeadlineError('answer of the store', 500));
  await expect(withDeadline(clock, 500, 'answer', undefined, async () => 'here')).resolves.toBe('here');
  expect(clock.pending).toBe(0);
});

it('a scope ends with any of its parents or by itself, once', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const both = scope(a.signal, b.signal);
  b.abort(stopped);
  expect(both.signal.reason).toBe(stopped);
  both.end(new Error('later'));
  expect(both.signal.reason).toBe(stopped);
  expect(scope(a.signal, b.signal).signal.aborted).toBe(true);
  const alone = scope(a.signal);
  alone.end(stopped);
  expect([alone.signal.aborted, a.signal.aborted]).toEqual([true, false]);
});
