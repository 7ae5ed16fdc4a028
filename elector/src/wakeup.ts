import type { Clock, Timer } from 'clock-port';

/**
 * Wakes the one loop that waits on it. No wake-up is lost as long as the loop checks all its inputs, without an await
 * in between, before it waits: the loop has then already seen a wake during its run, which therefore does nothing.
 */
export class Wakeup {
  readonly #clock: Clock;
  #resume: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#resume?.();
  }

  /** Resolves after `ms` (Infinity: never by time) or at the next wake, whichever comes first. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      this.#resume = () => {
        this.#resume = undefined;
        timer?.cancel();
        resolve();
      };
      if (ms !== Infinity) timer = this.#clock.setTimeout(this.#resume, ms);
    });
  }
}
