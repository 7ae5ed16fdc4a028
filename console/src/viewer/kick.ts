import { pause } from '../api/backoff.ts';

/** Ends a wait between two attempts, if there is one; remembered while an attempt is under way. */
export class Kick {
  #given = false;
  #wakeUp: (() => void) | undefined;

  give(): void {
    this.#given = true;
    this.#wakeUp?.();
  }

  /** An attempt begins: what was before it is over. */
  forget(): void {
    this.#given = false;
  }

  /** Until it is given, for `ms` milliseconds at most. */
  async wait(ms: number, aborted: AbortSignal): Promise<void> {
    if (this.#given) return;
    const awake = new AbortController();
    this.#wakeUp = () => awake.abort();
    await pause(Math.min(ms, 2 ** 31 - 1), AbortSignal.any([aborted, awake.signal]));
    this.#wakeUp = undefined;
  }
}
