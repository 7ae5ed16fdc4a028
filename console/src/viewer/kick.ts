import { delay } from '../api/backoff.ts';

/** Ends a wait between two attempts, if there is one; remembered during an attempt. */
export class Kick {
  #given = false;
  #wakeUp: (() => void) | undefined;

  give(): void {
    this.#given = true;
    this.#wakeUp?.();
  }

  /** An attempt begins: earlier kicks no longer count. */
  forget(): void {
    this.#given = false;
  }

  /** Waits for a kick, at most `ms` milliseconds. */
  async wait(ms: number, aborted: AbortSignal): Promise<void> {
    if (this.#given) return;
    const awake = new AbortController();
    this.#wakeUp = () => awake.abort();
    await delay(Math.min(ms, 2 ** 31 - 1), AbortSignal.any([aborted, awake.signal]));
    this.#wakeUp = undefined;
  }
}
