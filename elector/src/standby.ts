import { iso, withDeadline } from 'clock-port';
import type { ElectionReason } from './events.ts';
import { acquisitionOf } from './holder-watch.ts';
import { Leadership } from './leadership.ts';
import { ConflictError, type LeaseRecord, type LeaseState } from './lock.ts';
import { lockRetryAfterMs, type Replica } from './replica.ts';

/** How often a read that was overtaken by the watch is repeated at once. */
const MAX_RACES = 3;
/** So many lost races in a row, and a claimant gives way for a moment. */
const MAX_CONFLICTS = 2;

/** The time between two leaderships: watches, and claims the lease when it can be had. */
export class Standby {
  readonly #replica: Replica;
  #vacantSince: number | undefined;
  #readAt = 0;
  #pollJitter = 1;
  #races = 0;
  #conflicts = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Resolves with the leadership won, or `undefined` when the signal aborted. */
  async run(signal: AbortSignal): Promise<Leadership | undefined> {
    const replica = this.#replica;
    while (!signal.aborted) {
      const now = replica.now();
      const pollAt = this.#pollAt();
      const mustRead = replica.dirty || replica.seen.blind || now >= pollAt;
      const vacancy = mustRead ? undefined : this.#vacancy(now);
      if (vacancy) this.#vacantSince ??= now;
      else if (!mustRead) {
        this.#vacantSince = undefined;
        this.#conflicts = 0;
      }
      const due = mustRead
        ? replica.retryAt
        : vacancy
          ? Math.max(replica.retryAt, replica.holdOffUntil, this.#vacantSince! + replica.settings.hesitationMs())
          : Math.min(pollAt, replica.seen.expiresAt);
      replica.nextAttemptAt = Math.max(now, due);
      if (now < due) {
        replica.startHelpers();
        await replica.wakeup.wait(due - now);
      } else if (vacancy) {
        const leadership = await this.#claim(vacancy, signal);
        if (leadership) return leadership;
      } else if (mustRead) {
        await this.#read(signal);
      }
    }
    return undefined;
  }

  /** Events are the watch's heartbeat: a holder that is well renews, and that is an event. Without any, poll. */
  #pollAt(): number {
    const { settings, watcher } = this.#replica;
    const heardAt = Math.max(this.#readAt, watcher.lastEventAt);
    return Math.min(
      this.#readAt + settings.pollPeriodMs * this.#pollJitter,
      heardAt + 2 * settings.retryPeriodMs * this.#pollJitter,
    );
  }

  /** Why the lease could be taken now; `undefined` when it could not. */
  #vacancy(now: number): ElectionReason | undefined {
    const { seen, settings, holderWatch } = this.#replica;
    const record = seen.state?.record;
    if (!record) return seen.everExisted ? 'deleted' : 'created';
    if (record.holder === '') return 'released';
    if (record.holder === settings.identity) return 'adopted';
    if (acquisitionOf(record) === holderWatch.gone) return 'holder_gone';
    return now >= seen.expiresAt ? 'expired' : undefined;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const replica = this.#replica;
    const { seen, watcher, settings } = replica;
    const startedAt = replica.now();
    const { changes } = seen;
    try {
      const state = await withDeadline(settings.clock, replica.patienceMs, 'lease read', signal, (s) =>
        settings.lock.read(s),
      );
      this.#readAt = replica.now();
      this.#pollJitter = replica.jittered(1);
      // the watch told something else meanwhile: which is newer can't be told, so read again
      const overtaken = seen.changes !== changes && state?.version !== seen.state?.version;
      if (overtaken && ++this.#races < MAX_RACES) return;
      this.#races = 0;
      replica.dirty = false;
      const silent = this.#readAt - watcher.lastEventAt > 2 * settings.retryPeriodMs;
      if (replica.saw(state) && silent) watcher.replace();
    } catch (error) {
      if (!signal.aborted) this.#missed('read', error, startedAt);
    }
  }

  async #claim(reason: ElectionReason, signal: AbortSignal): Promise<Leadership | undefined> {
    const replica = this.#replica;
    const { settings, seen } = replica;
    const { lock, clock, identity, leaseDurationMs, retryPeriodMs } = settings;
    const startedAt = replica.now();
    const previous = seen.state;
    const at = iso(clock.now());
    const claimed: LeaseRecord = {
      holder: identity,
      term: replica.nextTerm(),
      durationMs: leaseDurationMs,
      acquiredAt: at,
      renewedAt: at,
      transitions: previous ? previous.record.transitions + (previous.record.holder === identity ? 0 : 1) : 0,
    };
    const { changes } = seen;
    replica.unsure = true;
    try {
      const version = await withDeadline(clock, replica.patienceMs, 'lease claim', signal, (s) =>
        previous ? lock.update(claimed, previous.version, s) : lock.create(claimed, s),
      );
      const state = previous ? { record: claimed, version } : await this.#outrank({ record: claimed, version }, signal);
      const { record } = state;
      if (seen.changes !== changes && this.#contradicts(record)) {
        replica.dirty = true;
        return undefined;
      }
      this.#conflicts = 0;
      replica.saw(state);
      const now = replica.now();
      const leadership = new Leadership(state, startedAt, Math.max(now, startedAt + retryPeriodMs));
      replica.leadership = leadership;
      replica.emit('elected', {
        term: record.term,
        reason,
        previousHolder: previous?.record.holder ?? '',
        electedAt: at,
        electionMs: now - (this.#vacantSince ?? startedAt),
      });
      this.#vacantSince = undefined;
      return leadership;
    } catch (error) {
      if (error instanceof ConflictError) {
        // somebody else was faster, or what we knew was old
        replica.dirty = true;
        if (++this.#conflicts > MAX_CONFLICTS) replica.retryAt = replica.now() + replica.jittered(retryPeriodMs / 5);
      } else if (!signal.aborted) {
        this.#missed('claim', error, startedAt);
      }
      return undefined;
    }
  }

  /**
   * The lease that was made, with a greater term where another replica had made one as well that was deleted before we heard of it: the term was
   * chosen by what was known then. A watch that lags by more than a retry period is not waited for: the hub refuses the second of two equal terms.
   */
  async #outrank(made: LeaseState, signal: AbortSignal): Promise<LeaseState> {
    const replica = this.#replica;
    const { lock, clock, retryPeriodMs } = replica.settings;
    if (!lock.termBefore || !replica.watcher.live) return made;
    let before = 0;
    try {
      before = await withDeadline(clock, retryPeriodMs, 'look at the leases before', signal, (s) =>
        lock.termBefore!(made.version, s),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      replica.report('claim', error);
    }
    if (before < made.record.term) return made;
    replica.seen.maxTerm = Math.max(replica.seen.maxTerm, before);
    const record = { ...made.record, term: replica.nextTerm() };
    const version = await withDeadline(clock, replica.patienceMs, 'lease claim', signal, (s) =>
      lock.update(record, made.version, s),
    );
    return { record, version };
  }

  /** Whether what the watch told while `mine` was being written shows that it is not the last word. */
  #contradicts(mine: LeaseRecord): boolean {
    const latest = this.#replica.seen.state?.record;
    if (!latest) return true;
    return latest.term >= mine.term && (latest.holder !== mine.holder || latest.term > mine.term);
  }

  #missed(during: string, error: unknown, startedAt: number): void {
    const replica = this.#replica;
    replica.seen.missed(startedAt);
    replica.retryAt =
      replica.now() + Math.max(replica.jittered(replica.settings.retryPeriodMs), lockRetryAfterMs(error));
    replica.report(during, error);
  }
}
