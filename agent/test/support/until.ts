import { setTimeout as wait } from 'node:timers/promises';

/** Waits for a condition of the outside world (an empty list is none, zero and '' are values); fails, naming it, after `limitMs`. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  limitMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    const nothing = Array.isArray(value) && value.length === 0;
    if (value !== undefined && value !== false && value !== null && !nothing)
      return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await wait(5);
  }
}
