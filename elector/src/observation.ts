import type { LeaseState } from './lock.ts';

/**
 * What a replica knows of the lease, and since when on its own monotonic clock. Expiry counts only time in which the lock
 * could be seen: after an outage the holder gets as long to renew as it would have had without one, and, after a long one, time for a look of its own
 * as well: who sees the lock first may not be the holder, and the outage is no reason to overtake it.
 */
export class Observation {
  state: LeaseState | undefined;
  /** False until the lock was seen for the first time. */
  known = false;
  /** True once there has been a lease. */
  everExisted = false;
  /** Greatest term ever seen. */
  maxTerm = 0;
  /** Counts the changes seen: two equal counts mean that nothing new came in between. */
  changes = 0;
  #changedAt = 0;
  #blindSince: number | undefined;
  readonly #blindnessForgivenMs: number;
  readonly #lookMs: number;
  /** What the holder has beyond its lease, until it is seen to have renewed. */
  #graceMs = 0;

  /**
   * A blindness shorter than `blindnessForgivenMs` extends the lease by its own length, a longer one starts it anew, with `lookMs` more: the longest that a
   * holder may go without a try.
   */
  constructor(blindnessForgivenMs: number, lookMs: number) {
    this.#blindnessForgivenMs = blindnessForgivenMs;
    this.#lookMs = lookMs;
  }

  /** Notes what was seen at `now`; true when it differs from what was known. */
  saw(state: LeaseState | undefined, now: number): boolean {
    const changed = !this.known || state?.version !== this.state?.version;
    this.known = true;
    this.state = state;
    if (state) {
      this.everExisted = true;
      this.maxTerm = Math.max(this.maxTerm, state.record.term);
    }
    if (this.#blindSince !== undefined) {
      const blind = now - this.#blindSince;
      if (blind >= this.#blindnessForgivenMs) {
        this.#changedAt = now;
        this.#graceMs = this.#lookMs;
      } else this.#changedAt += blind;
      this.#blindSince = undefined;
    }
    if (changed) {
      this.changes++;
      this.#changedAt = now;
      this.#graceMs = 0;
    }
    return changed;
  }

  /** Notes that a call begun at `startedAt` got no answer. */
  missed(startedAt: number): void {
    this.#blindSince ??= startedAt;
  }

  /** True while the last call got no answer. */
  get blind(): boolean {
    return this.#blindSince !== undefined;
  }

  /** When the lease runs out, monotonic milliseconds. */
  get expiresAt(): number {
    return this.#changedAt + (this.state?.record.durationMs ?? 0) + this.#graceMs;
  }
}
