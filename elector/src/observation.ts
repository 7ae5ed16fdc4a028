import type { LeaseState } from './lock.ts';

/**
 * A replica's knowledge of the lease, with times of its own monotonic clock. Expiry counts only time in which the lock
 * was readable: after an outage the holder has as much time to renew as without it, and after a long one additional time for its own read:
 * another replica may reach the lock before the holder, and the outage must not cost the holder its lease.
 */
export class Observation {
  state: LeaseState | undefined;
  /** False until the first successful read of the lock. */
  known = false;
  /** True once there has been a lease. */
  everExisted = false;
  /** Greatest term ever seen. */
  maxTerm = 0;
  /** Counts the seen changes: two equal counts mean no change in between. */
  changes = 0;
  #changedAt = 0;
  #blindSince: number | undefined;
  readonly #blindnessForgivenMs: number;
  readonly #lookMs: number;
  /** The holder's additional time beyond its lease, until its next seen renewal. */
  #graceMs = 0;

  /**
   * An outage shorter than `blindnessForgivenMs` extends the lease by its own length; a longer one restarts it, with `lookMs` more: the longest time that a
   * holder may go without an attempt.
   */
  constructor(blindnessForgivenMs: number, lookMs: number) {
    this.#blindnessForgivenMs = blindnessForgivenMs;
    this.#lookMs = lookMs;
  }

  /** Records the state seen at `now`; true if it differs from the known one. */
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

  /** Records that a call begun at `startedAt` got no answer. */
  missed(startedAt: number): void {
    this.#blindSince ??= startedAt;
  }

  /** True while the last call got no answer. */
  get blind(): boolean {
    return this.#blindSince !== undefined;
  }

  /** Expiry of the lease, monotonic milliseconds. */
  get expiresAt(): number {
    return this.#changedAt + (this.state?.record.durationMs ?? 0) + this.#graceMs;
  }
}
