import type { Clock } from 'clock-port';
import { LRUCache } from 'lru-cache';

/** Lets a few things a key through, then one a while: for records of what a stranger can repeat at will. Remembers a bounded number of keys. */
export class Throttle {
  readonly #clock: Clock;
  readonly #limit: { readonly burst: number; readonly everyMs: number };
  readonly #buckets: LRUCache<string, { left: number; at: number }>;

  constructor(clock: Clock, limit: { burst: number; everyMs: number; keys: number }) {
    this.#clock = clock;
    this.#limit = limit;
    this.#buckets = new LRUCache({ max: limit.keys });
  }

  /** Counts one, and says whether it may pass. */
  pass(key: string): boolean {
    const left = this.#left(key);
    this.#buckets.set(key, { left: left >= 1 ? left - 1 : left, at: this.#clock.monotonic() });
    return left >= 1;
  }

  #left(key: string): number {
    const { burst, everyMs } = this.#limit;
    const known = this.#buckets.get(key);
    return known === undefined ? burst : Math.min(burst, known.left + (this.#clock.monotonic() - known.at) / everyMs);
  }
}
