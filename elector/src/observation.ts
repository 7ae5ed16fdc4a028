import type { LeaseState } from './lock.ts';

/**
 * What a replica knows of the lease, and since when on its own monotonic clock. Expiry counts only time in which the lock
 * could be seen: after an outage the holder gets as long to renew as it would have had without one.
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

  /** A blindness shorter than `blindnessForgivenMs` extends the lease by its own length, a longer one starts it anew. */
  constructor(blindnessForgivenMs: number) {
    this.#blindnessForgivenMs = blindnessForgivenMs;
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
      this.#changedAt = blind >= this.#blindnessForgivenMs ? now : this.#changedAt + blind;
      this.#blindSince = undefined;
    }
    if (changed) {
      this.changes++;
      this.#changedAt = now;
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
    return this.#changedAt + (this.state?.record.durationMs ?? 0);
  }
}
