import type { Random, SimProcess, VirtualClock } from '@streamspace/testkit';
import { ConflictError, LockError, type LeaseRecord, type LeaseState, type Lock } from '../../src/index.ts';

/** How badly calls go at the moment. Chances are per call. */
export interface Weather {
  /** Longest one-way delay, milliseconds. */
  delayMs: number;
  /** The request is lost, or the answer: nobody ever answers. */
  lost: number;
  /** An error is answered, before or after the write was done. */
  error: number;
  /** The watch event is lost. */
  eventLost: number;
  /** Longest delay of a watch event; events overtake each other. */
  eventDelayMs: number;
  /** The watch ends with an error, per event. */
  watchEnds: number;
}

export const FINE: Weather = { delayMs: 20, lost: 0, error: 0, eventLost: 0, eventDelayMs: 20, watchEnds: 0 };

interface Written {
  readonly at: number;
  readonly record: LeaseRecord | undefined;
}

/** A lease on a server far away: calls take time, get lost, are refused; watches are late, out of order, silent, or end. */
export class LeaseServer {
  weather: Weather = FINE;
  /** Everything that the lease ever was. */
  readonly history: Written[] = [];
  watches = 0;
  readonly #world: VirtualClock;
  readonly #random: Random;
  readonly #watchers = new Set<(state: LeaseState | undefined) => void>();
  readonly #unreachable = new Set<SimProcess>();
  readonly #dead = new Set<string>();
  #state: LeaseState | undefined;
  #revision = 0;

  constructor(world: VirtualClock, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  get state(): LeaseState | undefined {
    return this.#state;
  }

  delete(): void {
    if (this.#state) this.#write(undefined);
  }

  /** Cuts one process off; its calls and events are lost. */
  cut(process: SimProcess): void {
    this.#unreachable.add(process);
  }

  heal(): void {
    this.#unreachable.clear();
  }

  /** The kubelet's word: that identity is gone. */
  gone(identity: string): void {
    this.#dead.add(identity);
  }

  /** The lease as one process sees it. */
  lockFor(process: SimProcess, knowsTheDead: boolean): Lock {
    return {
      name: 'simulated',
      read: (signal) => this.#call(process, signal, () => this.#state),
      create: (record, signal) =>
        this.#call(process, signal, () => {
          if (this.#state) throw new ConflictError('exists');
          return this.#write(record);
        }),
      update: (record, version, signal) =>
        this.#call(process, signal, () => {
          if (this.#state?.version !== version) throw new ConflictError('changed');
          return this.#write(record);
        }),
      watch: (onChange, signal) => this.#watch(process, onChange, signal),
      ...(knowsTheDead && {
        holderGone: (record: LeaseRecord, signal: AbortSignal) =>
          new Promise<string>((resolve, reject) => {
            const look = () => {
              if (signal.aborted) return;
              if (this.#dead.has(record.holder)) resolve('its container terminated');
              else process.clock.setTimeout(look, 1000);
            };
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
            look();
          }),
      }),
    };
  }

  #call<T>(process: SimProcess, signal: AbortSignal, effect: () => T): Promise<T> {
    const random = this.#random;
    const { delayMs, lost, error } = this.weather;
    const refused = random.chance(error);
    const refusedAfter = refused && random.chance(0.3);
    const requestLost = random.chance(lost / 2) || this.#unreachable.has(process);
    const answerLost = random.chance(lost / 2);
    // nothing settles a lost call but the caller's deadline
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      if (signal.aborted) return reject(signal.reason as Error);
      if (requestLost) return;
      this.#world.setTimeout(() => {
        let settle: () => void;
        try {
          if (refused && !refusedAfter) throw this.#refusal();
          const result = effect();
          if (refusedAfter) throw this.#refusal();
          settle = () => resolve(result);
        } catch (caught) {
          settle = () => reject(caught as Error);
        }
        if (answerLost || this.#unreachable.has(process)) return;
        this.#world.setTimeout(() => process.run(settle), random.next() * delayMs);
      }, random.next() * delayMs);
    });
  }

  #refusal(): LockError {
    return this.#random.chance(0.5)
      ? new LockError('429 too many requests', { retryAfterMs: this.#random.between(100, 1500) })
      : new LockError('500 internal error');
  }

  async #watch(
    process: SimProcess,
    onChange: (state: LeaseState | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const random = this.#random;
    this.watches++;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        if (!this.#watchers.delete(tell)) return;
        this.watches--;
        settle();
      };
      let last = 0;
      const tell = (state: LeaseState | undefined) => {
        const { eventLost, eventDelayMs, watchEnds } = this.weather;
        if (random.chance(eventLost) || this.#unreachable.has(process)) return;
        // in fine weather a watch is a stream: in order
        const now = this.#world.monotonic();
        let arrival = now + random.next() * eventDelayMs;
        if (eventLost === 0) arrival = last = Math.max(last, arrival);
        this.#world.setTimeout(() => process.run(() => !signal.aborted && onChange(state)), arrival - now);
        if (random.chance(watchEnds)) end(() => process.run(() => reject(new Error('the watch broke'))));
      };
      this.#watchers.add(tell);
      tell(this.#state);
      const onAbort = () => end(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
      process.onCrash(onAbort);
      if (signal.aborted) onAbort();
    });
  }

  #write(record: LeaseRecord | undefined): string {
    const version = String(++this.#revision);
    this.#state = record && { record, version };
    this.history.push({ at: this.#world.monotonic(), record });
    for (const watcher of this.#watchers) watcher(this.#state);
    return version;
  }
}
