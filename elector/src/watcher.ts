import { abortable, type Clock, pause, whenAborted } from 'clock-port';
import type { LeaseState, Lock } from './lock.ts';

interface WatcherOptions {
  readonly lock: Lock;
  readonly clock: Clock;
  readonly random: () => number;
  /** Longest wait before the next watch after consecutive failures, milliseconds. */
  readonly maxBackoffMs: number;
  readonly onChange: (state: LeaseState | undefined) => void;
  /** A watch has ended (with its error, if it failed): changes may have been missed. */
  readonly onEnd: (error: unknown) => void;
}

/** Keeps a watch on the lock while it runs: starts another when one ends or proves dead. */
export class Watcher {
  /** Monotonic time of the last event; when the current watch began if there was none since. */
  lastEventAt = -Infinity;
  readonly #options: WatcherOptions;
  #current: AbortController | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Whether a watch is running, as far as is known. */
  get live(): boolean {
    return this.#current !== undefined;
  }

  /** The current watch is proven dead (it missed a change): begin another. */
  replace(): void {
    this.#current?.abort(new Error('the watch is silent'));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { lock, clock, random, maxBackoffMs, onChange, onEnd } = this.#options;
    if (!lock.watch) return;
    const forget = whenAborted(signal, () => this.#current?.abort(signal.reason));
    try {
      for (let failures = 0; !signal.aborted;) {
        const current = (this.#current = new AbortController());
        this.lastEventAt = clock.monotonic();
        let error: unknown;
        try {
          await abortable(current.signal, (s) =>
            lock.watch!((state) => {
              if (s.aborted) return;
              failures = 0;
              this.lastEventAt = clock.monotonic();
              onChange(state);
            }, s),
          );
        } catch (caught) {
          if (!current.signal.aborted) {
            error = caught;
            failures++;
          }
        }
        current.abort();
        this.#current = undefined;
        if (signal.aborted) return;
        onEnd(error);
        const backoff = Math.min(maxBackoffMs, 50 * 2 ** failures) * random();
        await pause(clock, failures === 0 ? Math.min(50, maxBackoffMs) : backoff, signal);
      }
    } finally {
      forget();
    }
  }
}
