/** What came in, in order; each thing is taken once. Waits for what has not come yet, for so long. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #waiting: (() => void)[] = [];

  add(item: T): void {
    this.#items.push(item);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  get all(): readonly T[] {
    return this.#items;
  }

  /** Takes the first that matches. */
  async next(matches: (item: T) => boolean = () => true): Promise<T> {
    const end = AbortSignal.timeout(5_000);
    for (;;) {
      const at = this.#items.findIndex(matches);
      if (at >= 0) return this.#items.splice(at, 1)[0]!;
      if (end.aborted)
        throw new Error(`nothing that matches came; here are ${JSON.stringify(this.#items).slice(0, 500)}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        end.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

/** Resolves with the value as soon as it is not undefined, null or false; asks again after every turn of the event loop. */
export async function eventually<T>(what: string, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = AbortSignal.timeout(5_000);
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (end.aborted) throw new Error(`${what}: not within 5 s`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
