import { abortable, type Clock, pause } from 'clock-port';
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
  /** The acquisition with a proven absence of its holder: see {@link acquisitionOf}. */
  gone: string | undefined;
  /** The evidence, in words. */
  evidence = '';
  readonly #options: HolderWatchOptions;
  #following: string | undefined;
  #controller: AbortController | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: HolderWatchOptions) {
    this.#options = options;
  }

  /** Follows the holder of this record; stops if there is none, or if it is this replica. */
  follow(record: LeaseRecord | undefined): void {
    const { lock, identity } = this.#options;
    const other = record && record.holder !== '' && record.holder !== identity;
    const acquisition = other ? acquisitionOf(record) : undefined;
    if (acquisition === this.#following) return;
    this.#following = acquisition;
    this.#controller?.abort(new Error('another holder'));
    this.#controller = undefined;
    if (acquisition === undefined || !lock.holderGone || acquisition === this.gone) return;
    const controller = (this.#controller = new AbortController());
    const before = this.#work;
    this.#work = this.#follow(record!, controller.signal).then(() => before);
  }

  /** Stops, and waits until nothing runs any more. */
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
        this.gone = acquisitionOf(record);
        this.evidence = evidence;
        onGone();
        return;
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        await pause(clock, retryMs, signal);
      }
    }
  }
}

/** Names one acquisition: a successor may have the same identity (a container restarted in its pod). */
export function acquisitionOf(record: LeaseRecord): string {
  return `${record.holder} ${record.acquiredAt}`;
}
