import type { Clock } from 'clock-port';

/** Lets a few things a key through, then one a while: for records of what a stranger can repeat at will. Remembers a bounded number of keys. */
export class Throttle {
  readonly #clock: Clock;
  readonly #limit: { readonly burst: number; readonly everyMs: number; readonly keys: number };
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(clock: Clock, limit: { burst: number; everyMs: number; keys: number }) {
    this.#clock = clock;
    this.#limit = limit;
  }

  pass(key: string): boolean {
    const { burst, everyMs, keys } = this.#limit;
    const now = this.#clock.monotonic();
    const known = this.#buckets.get(key) ?? { left: burst, at: now };
    const left = Math.min(burst, known.left + (now - known.at) / everyMs);
    this.#buckets.delete(key);
    if (this.#buckets.size >= keys) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(key, { left: left >= 1 ? left - 1 : left, at: now });
    return left >= 1;
  }
}
