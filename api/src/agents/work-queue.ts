/**
 * Work of one link, in the order of arrival, one piece at a time, so that the read loop never waits. Bounded in pieces and in the
 * bytes that they hold; who goes beyond gets `false` and has to give up the link.
 */
export class WorkQueue {
  readonly #limit: { readonly pieces: number; readonly bytes: number };
  readonly #failed: (error: unknown) => void;
  #waiting: { bytes: number; task: () => Promise<void> }[] = [];
  #bytes = 0;
  #running = false;

  /** `failed` is told of a task that rejected; the following ones run all the same. */
  constructor(limit: { pieces: number; bytes: number }, failed: (error: unknown) => void) {
    this.#limit = limit;
    this.#failed = failed;
  }

  /** Pieces that wait, without the one that runs. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Queues `task`, which holds about `bytes` of memory until it has run. False when there is no room: nothing was queued. */
  push(bytes: number, task: () => Promise<void>): boolean {
    if (this.#waiting.length >= this.#limit.pieces || this.#bytes + bytes > this.#limit.bytes) return false;
    this.last(task, bytes);
    return true;
  }

  /** Queues without asking for room: for the one piece that ends a link. */
  last(task: () => Promise<void>, bytes = 0): void {
    this.#waiting.push({ bytes, task });
    this.#bytes += bytes;
    if (!this.#running) void this.#run();
  }

  /** Forgets what waits; what runs goes on. */
  drop(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await next.task();
      } catch (error) {
        this.#failed(error);
      }
      this.#bytes = Math.max(0, this.#bytes - next.bytes);
    }
    this.#running = false;
  }
}
