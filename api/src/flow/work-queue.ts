/** Most pieces of different lanes in progress at once. */
const MAX_SIDE_BY_SIDE = 64;

/**
 * Work of one link, in the order of arrival, so that the read loop never waits. Pieces with a lane run in parallel with those of other
 * lanes, the others one at a time. Bounded in pieces and in the bytes that they hold; a call beyond gets `false` and has to end
 * the link.
 */
export class WorkQueue {
  readonly #limit: { readonly pieces: number; readonly bytes: number };
  readonly #failed: (error: unknown) => void;
  #waiting: { bytes: number; task: () => Promise<void>; lane: string | undefined }[] = [];
  readonly #lanes = new Map<string, Promise<void>>();
  #bytes = 0;
  #running = false;

  /** `failed` gets the error of a rejected task; the following ones still run. */
  constructor(limit: { pieces: number; bytes: number }, failed: (error: unknown) => void) {
    this.#limit = limit;
    this.#failed = failed;
  }

  /** Waiting pieces, without the running one. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Queues `task`, which holds about `bytes` of memory until it has run. False when there is no room: nothing was queued. */
  push(bytes: number, task: () => Promise<void>, lane?: string): boolean {
    if (this.#waiting.length >= this.#limit.pieces || this.#bytes + bytes > this.#limit.bytes) return false;
    this.last(task, bytes, lane);
    return true;
  }

  /** Queues without asking for room: for the one piece that ends a link. */
  last(task: () => Promise<void>, bytes = 0, lane?: string): void {
    this.#waiting.push({ bytes, task, lane });
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
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { lane } = next;
      const before =
        lane === undefined
          ? Promise.all(this.#lanes.values())
          : (this.#lanes.get(lane) ??
            (this.#lanes.size < MAX_SIDE_BY_SIDE ? undefined : Promise.race(this.#lanes.values())));
      // `drop` may come meanwhile
      if (before !== undefined && (lane !== undefined || this.#lanes.size > 0)) {
        await before;
        continue;
      }
      this.#waiting.shift();
      const done = this.#do(next);
      if (lane === undefined) await done;
      else
        this.#lanes.set(
          lane,
          done.finally(() => this.#lanes.delete(lane)),
        );
    }
    this.#running = false;
  }

  async #do({ bytes, task }: { bytes: number; task: () => Promise<void> }): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#failed(error);
    }
    this.#bytes = Math.max(0, this.#bytes - bytes);
  }
}
