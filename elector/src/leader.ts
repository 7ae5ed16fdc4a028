import { iso, withDeadline } from 'clock-port';
import type { LossReason } from './events.ts';
import type { Leadership } from './leadership.ts';
import { ConflictError, type LeaseRecord } from './lock.ts';
import { releaseLease } from './release.ts';
import { lockRetryAfterMs, type Replica } from './replica.ts';

/** Ends the leadership: its signal aborts before this returns. */
export type Lose = (leadership: Leadership, reason: LossReason, detail: string) => void;

/** One time as leader: renews until it is lost, or given up. */
export class Leader {
  readonly #replica: Replica;
  readonly #leadership: Leadership;
  readonly #lose: Lose;
  #givenUp = false;

  constructor(replica: Replica, leadership: Leadership, lose: Lose) {
    this.#replica = replica;
    this.#leadership = leadership;
    this.#lose = lose;
  }

  /** Resolves once leadership is over. When the signal aborts, it is given up and the lease released. */
  async run(signal: AbortSignal): Promise<void> {
    const replica = this.#replica;
    const leadership = this.#leadership;
    const { retryPeriodMs, renewDeadlineMs, onLoseSight } = replica.settings;
    let stopping: Promise<void> | undefined;
    replica.startHelpers();
    while (!leadership.lost) {
      const now = replica.now();
      const stopAt = onLoseSight === 'stop' ? leadership.renewedAt + renewDeadlineMs : Infinity;
      const raiseBy = leadership.mustRaise ? leadership.wantedSince + renewDeadlineMs : Infinity;
      if (!stopping && (signal.aborted || leadership.yielding !== undefined)) {
        stopping = this.#giveUp(signal.aborted ? 'stopped' : 'yielded');
      } else if (now >= stopAt) {
        this.#lose(leadership, 'renew_deadline', 'the lease could not be renewed within the renew deadline');
      } else if (now >= raiseBy) {
        this.#lose(leadership, 'superseded', 'a greater term is known and the lock does not answer');
      } else if (now >= leadership.renewAt || (leadership.mustRaise && leadership.failures === 0)) {
        await this.#renew();
        // our own renewals are events as well: a watch that tells none of them is dead
        if (replica.now() - replica.watcher.lastEventAt > 3 * retryPeriodMs) replica.watcher.replace();
      } else {
        replica.nextAttemptAt = leadership.renewAt;
        await replica.wakeup.wait(Math.min(leadership.renewAt, stopAt, raiseBy) - now);
      }
    }
    await stopping;
    if (this.#givenUp) {
      await releaseLease(replica, { record: this.#record(leadership.leaseTerm), version: leadership.version });
    }
  }

  async #renew(): Promise<void> {
    const replica = this.#replica;
    const leadership = this.#leadership;
    const { lock, clock, retryPeriodMs } = replica.settings;
    const startedAt = replica.now();
    const previousTerm = leadership.term;
    const term = leadership.mustRaise ? Math.max(replica.nextTerm(), leadership.wantedAbove + 1) : previousTerm;
    const record = this.#record(term);
    try {
      const version = await withDeadline(clock, this.#patienceMs(), 'lease renewal', leadership.signal, (s) =>
        lock.update(record, leadership.version, s),
      );
      leadership.version = version;
      leadership.term = leadership.leaseTerm = term;
      leadership.failures = 0;
      leadership.renewedAt = startedAt;
      leadership.renewAt = Math.max(replica.now(), startedAt + retryPeriodMs);
      replica.saw({ record, version });
      leadership.settleRaises();
      if (term !== previousTerm) replica.emit('raised', { term, previousTerm });
      replica.emit('renewed', { term, latencyMs: replica.now() - startedAt });
    } catch (error) {
      if (leadership.lost) return;
      if (error instanceof ConflictError) await this.#verify();
      else this.#failed('renewal', error);
    }
  }

  /** The lease was not as we left it: finds out whether it is still ours. */
  async #verify(): Promise<void> {
    const replica = this.#replica;
    const leadership = this.#leadership;
    const { lock, clock, identity, retryPeriodMs } = replica.settings;
    try {
      const state = await withDeadline(clock, this.#patienceMs(), 'lease read', leadership.signal, (s) => lock.read(s));
      if (state?.record.holder === identity && state.record.term >= leadership.term) {
        // an answer of ours was lost, or somebody edited the lease; the conditional write that follows settles it
        leadership.version = state.version;
        leadership.leaseTerm = state.record.term;
        if (state.record.term > leadership.term) leadership.mustExceed(state.record.term, replica.now());
        leadership.renewAt = replica.now() + (leadership.failures++ > 2 ? retryPeriodMs / 5 : 0);
        return;
      }
      replica.saw(state);
      if (state) this.#lose(leadership, 'superseded', `the lease is held by ${state.record.holder || 'nobody'}`);
      else this.#lose(leadership, 'deleted', 'the lease is gone');
    } catch (error) {
      if (!leadership.lost) this.#failed('read', error);
    }
  }

  #failed(during: string, error: unknown): void {
    const replica = this.#replica;
    const { retryPeriodMs, leaseDurationMs } = replica.settings;
    // a server that is busy may ask for more than a lease lasts: standbys count on a try within one (Observation)
    // the first time it may have been a broken connection: a new one is tried soon
    const wait = replica.jittered(this.#leadership.failures++ === 0 ? retryPeriodMs / 5 : retryPeriodMs);
    this.#leadership.renewAt = replica.now() + Math.max(wait, Math.min(lockRetryAfterMs(error), leaseDurationMs));
    replica.report(during, error);
  }

  /** How long a call may take: less than what is left of the lease. */
  #patienceMs(): number {
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, onLoseSight } = this.#replica.settings;
    const validMs = onLoseSight === 'stop' ? renewDeadlineMs : leaseDurationMs;
    const left = this.#leadership.renewedAt + validMs - this.#replica.now();
    if (left <= 0) return this.#replica.patienceMs;
    return Math.min(left, Math.max(retryPeriodMs, left / 2));
  }

  #record(term: number): LeaseRecord {
    const { identity: holder, leaseDurationMs: durationMs, clock } = this.#replica.settings;
    const { acquiredAt, transitions } = this.#leadership;
    return { holder, term, durationMs, acquiredAt, renewedAt: iso(clock.now()), transitions };
  }

  /** Lets the caller finish while the lease is still renewed, then ends the leadership. */
  async #giveUp(reason: 'stopped' | 'yielded'): Promise<void> {
    const leadership = this.#leadership;
    const { clock, onStop, stopTimeoutMs } = this.#replica.settings;
    try {
      if (onStop) await withDeadline(clock, stopTimeoutMs, 'onStop', leadership.signal, () => onStop());
    } catch (error) {
      if (!leadership.lost) this.#replica.report('stop', error);
    }
    if (leadership.lost) return;
    this.#givenUp = true;
    this.#lose(leadership, reason, leadership.yielding ?? 'the elector was stopped');
  }
}
