import type { Clock, Timer } from 'clock-port';

/** Wakes the one loop that waits on it. A `wake` while nobody waits is kept for the next `wait`: no wake-up is lost. */
export class Wakeup {
  readonly #clock: Clock;
  #pending = false;
  #resume: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    if (this.#resume) this.#resume();
    else this.#pending = true;
  }

  /** Resolves after `ms` (Infinity: never by time) or at the next wake, whichever is first. */
  wait(ms: number): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return Promise.resolve();
    }
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
