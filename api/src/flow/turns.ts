import { StreamSpaceError } from '@streamspace/protocol';

/** One at a time for each key, in the order of arrival; different keys don't wait for each other. */
export class Turns {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #limit: number;

  /** `limit`: most waiting calls for one key; the next one gets `rate_limited`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.#waiting.get(key);
    if (line === undefined) this.#waiting.set(key, []);
    else {
      if (line.length >= this.#limit)
        throw new StreamSpaceError('rate_limited', `${this.#limit} connections of ${key} already wait to be accepted`);
      await new Promise<void>((go) => line.push(go));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.get(key)!.shift();
      if (next === undefined) this.#waiting.delete(key);
      else next();
    }
  }
}
