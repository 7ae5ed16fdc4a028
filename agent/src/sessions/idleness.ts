import { type Clock, sleep } from 'clock-port';

/** How often sessions are looked at: a tenth of the timeout, within these bounds. Milliseconds. */
const SOONEST_MS = 100;
const LATEST_MS = 30_000;
/** A session that could not be hibernated is tried again after this long, or after the timeout if that is less. Milliseconds. */
const AGAIN_MS = 60_000;

export interface IdlenessOptions {
  readonly clock: Clock;
  /** Milliseconds without input. */
  readonly timeout: number;
  /** Ids of the sessions that run. */
  running(): readonly string[];
  /** Nobody used it for the timeout. */
  onIdle(sessionId: string): void;
}

/**
 * Since when nobody typed or moved the mouse in each session that runs. Lives as long as a leadership does: a session counts as used
 * when this one first sees it run, so a failover only ever makes the wait longer.
 */
export class Idleness {
  readonly #options: IdlenessOptions;
  /** Monotonic milliseconds, by session. */
  readonly #usedAt = new Map<string, number>();

  constructor(options: IdlenessOptions) {
    this.#options = options;
  }

  /** Somebody uses the session. */
  used(sessionId: string): void {
    this.#usedAt.set(sessionId, this.#options.clock.monotonic());
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timeout } = this.#options;
    const pause = Math.min(Math.max(timeout / 10, SOONEST_MS), LATEST_MS);
    while (!signal.aborted) {
      this.#look();
      await sleep(clock, pause, signal).catch(() => undefined);
    }
  }

  #look(): void {
    const { clock, timeout } = this.#options;
    const now = clock.monotonic();
    const ids = new Set(this.#options.running());
    for (const id of this.#usedAt.keys()) if (!ids.has(id)) this.#usedAt.delete(id);
    for (const id of ids) {
      const usedAt = this.#usedAt.get(id);
      if (usedAt === undefined) this.#usedAt.set(id, now);
      else if (now - usedAt >= timeout) {
        this.#usedAt.set(id, now - timeout + Math.min(timeout, AGAIN_MS));
        this.#options.onIdle(id);
      }
    }
  }
}
