import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, pause, type Timer } from 'clock-port';

/** Milliseconds after which the time of day is checked again: timers don't follow clock adjustments, and last at most 24 days. */
const LOOK_MS = 60_000;

export const tokenExpired = (): StreamSpaceError =>
  new StreamSpaceError('unauthenticated', 'the token that opened this screen has expired: sign in again');

/** Calls back once when it is `time` (milliseconds since 1970; undefined: never). `cancel` ends the wait. */
export function whenItIs(clock: Clock, time: number | undefined, then: () => void): Timer {
  if (time === undefined) return { cancel: () => undefined };
  let timer: Timer;
  const wait = (): void => {
    const left = time - clock.now();
    timer = clock.setTimeout(() => (clock.now() < time ? wait() : then()), Math.max(0, Math.min(LOOK_MS, left)));
  };
  wait();
  return { cancel: () => timer.cancel() };
}

/** Repeats the work until the signal aborts. */
export async function every(clock: Clock, ms: number, signal: AbortSignal, work: () => void): Promise<void> {
  while (!signal.aborted) {
    await pause(clock, ms, signal);
    if (!signal.aborted) work();
  }
}
