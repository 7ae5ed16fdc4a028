import { systemClock } from 'clock-port/system-clock';
import { pause } from 'clock-port/waiting';

/** Full jitter: milliseconds, uniform in [0, min(max, base · 2ⁿ)]; `attempt` n counts from 0, `random` is in [0, 1). */
export function fullJitter(attempt: number, random: number, { base, max }: { base: number; max: number }): number {
  return Math.round(random * Math.min(max, base * 2 ** Math.min(attempt, 30)));
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export const delay = (ms: number, signal: AbortSignal): Promise<void> => pause(systemClock, ms, signal);
