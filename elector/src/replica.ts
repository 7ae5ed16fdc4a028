import { Emitter, type ElectorEvents } from './events.ts';
import { HolderWatch } from './holder-watch.ts';
import type { Leadership } from './leadership.ts';
import { LockError, type LeaseState } from './lock.ts';
import { Observation } from './observation.ts';
import type { ElectorSettings } from './options.ts';
import { successor } from './term.ts';
import { JITTER } from './timings.ts';
import { Wakeup } from './wakeup.ts';
import { Watcher } from './watcher.ts';

/** What a replica knows, whichever its role is: shared by its time as standby and as leader. */
export class Replica {
  readonly settings: ElectorSettings;
  readonly events = new Emitter<ElectorEvents>();
  readonly seen: Observation;
  readonly wakeup: Wakeup;
  readonly watcher: Watcher;
  readonly holderWatch: HolderWatch;
  leadership: Leadership | undefined;
  /** The lock must be read before anything is decided. */
  dirty = true;
  /** The lease may name us without our knowing. */
  unsure = false;
  /** Monotonic time before which the lock is left alone, after a failure. */
  retryAt = 0;
  /** Monotonic time before which the lease is not claimed, after it was yielded. */
  holdOffUntil = 0;
  /** Monotonic time of the next call to the lock, as far as it is planned. */
  nextAttemptAt: number | undefined;
  /** Starts what runs beside the election, once: nothing of it may delay the first claim. */
  startHelpers: () => void = () => undefined;
  #observed = { holder: '', term: -1 };

  /** `onChange` gets what the watch tells. */
  constructor(settings: ElectorSettings, onChange: (state: LeaseState | undefined) => void) {
    this.settings = settings;
    const { lock, clock, random, identity, retryPeriodMs } = settings;
    this.wakeup = new Wakeup(clock);
    this.seen = new Observation(retryPeriodMs, this.patienceMs + settings.leaseDurationMs);
    this.watcher = new Watcher({
      lock,
      clock,
      random,
      maxBackoffMs: 4 * retryPeriodMs,
      onChange,
      onEnd: (error) => {
        if (error !== undefined) this.report('watch', error);
        this.dirty = true;
        this.wakeup.wake();
      },
    });
    this.holderWatch = new HolderWatch({
      lock,
      clock,
      identity,
      retryMs: retryPeriodMs,
      onGone: () => this.wakeup.wake(),
      onError: (error) => this.report('holder', error),
    });
  }

  now(): number {
    return this.settings.clock.monotonic();
  }

  jittered(ms: number): number {
    return ms * (1 + (JITTER - 1) * this.settings.random());
  }

  /** Longest wait for an answer of the lock when no lease of ours is running out. */
  get patienceMs(): number {
    return Math.max(this.settings.retryPeriodMs, this.settings.renewDeadlineMs / 2);
  }

  nextTerm(): number {
    return successor(Math.max(this.seen.maxTerm, this.settings.termFloor()));
  }

  /** Notes the lease's state; true when it is another than before. */
  saw(state: LeaseState | undefined): boolean {
    const changed = this.seen.saw(state, this.now());
    const holder = state?.record.holder ?? '';
    const term = state?.record.term ?? this.#observed.term;
    this.holderWatch.follow(state?.record);
    if (holder !== this.#observed.holder || term !== this.#observed.term) {
      this.#observed = { holder, term };
      this.emit('observed', { holder, term });
    }
    return changed;
  }

  emit<K extends keyof ElectorEvents>(type: K, event: ElectorEvents[K]): void {
    for (const error of this.events.emit(type, event)) this.report('listener', error);
  }

  report(during: string, error: unknown): void {
    this.events.emit('error', { during, error });
  }
}

/** How long the lock asked to be left alone, milliseconds, at most 30 s. */
export function lockRetryAfterMs(error: unknown): number {
  return error instanceof LockError ? Math.min(error.retryAfterMs ?? 0, 30_000) : 0;
}
