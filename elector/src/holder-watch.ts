import { sleep, type Clock } from 'clock-port';
import { abortable } from './abortable.ts';
import type { LeaseRecord, Lock } from './lock.ts';

interface HolderWatchOptions {
  readonly lock: Lock;
  readonly clock: Clock;
  readonly identity: string;
  readonly retryMs: number;
  readonly onGone: () => void;
  readonly onError: (error: unknown) => void;
}

/** Asks the lock for evidence that the present holder is gone, one holder at a time. */
export class HolderWatch {
  /** The holder known to be gone for good (an identity is never used twice). */
  gone: string | undefined;
  /** The evidence, in words. */
  evidence = '';
  readonly #options: HolderWatchOptions;
  #holder: string | undefined;
  #controller: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: HolderWatchOptions) {
    this.#options = options;
  }

  /** Follows the holder of this record; stops following when there is none, or it is ourselves. */
  follow(record: LeaseRecord | undefined): void {
    const { lock, identity } = this.#options;
    const holder = record && record.holder !== identity ? record.holder || undefined : undefined;
    if (holder === this.#holder) return;
    this.#holder = holder;
    this.#controller?.abort(new Error('another holder'));
    this.#controller = undefined;
    if (holder === undefined || !lock.holderGone || holder === this.gone) return;
    const controller = (this.#controller = new AbortController());
    const before = this.#work;
    this.#work = this.#follow(record!, controller.signal).then(() => before);
  }

  /** Stops and waits until nothing is left running. */
  async stop(): Promise<void> {
    this.follow(undefined);
    await this.#work;
  }

  async #follow(record: LeaseRecord, signal: AbortSignal): Promise<void> {
    const { lock, clock, retryMs, onGone, onError } = this.#options;
    while (!signal.aborted) {
      try {
        const evidence = await abortable(signal, (s) => lock.holderGone!(record, s));
        if (signal.aborted) return;
        this.gone = record.holder;
        this.evidence = evidence;
        onGone();
        return;
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        await sleep(clock, retryMs, signal).catch(() => undefined);
      }
    }
  }
}
