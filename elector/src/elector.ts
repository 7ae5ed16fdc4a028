import { iso, whenAborted, withDeadline } from 'clock-port';
import type { ElectorEvents, Listener, LossReason } from './events.ts';
import { Leader } from './leader.ts';
import { NotLeadingError, type Leadership, type Leading } from './leadership.ts';
import type { Candidate, LeaseState } from './lock.ts';
import { settingsOf, type ElectorOptions } from './options.ts';
import { releaseLease } from './release.ts';
import { Replica } from './replica.ts';
import { Standby } from './standby.ts';
import { MAX_TERM } from './term.ts';

/** How long the lock's helpers may take to end once they were told to. */
const HELPERS_END_MS = 1000;

/** For an operator's eyes. Times are RFC 3339. */
export interface ElectorStatus {
  readonly role: 'leader' | 'standby' | 'stopped';
  readonly identity: string;
  /** The lock's name. */
  readonly lock: string;
  /** `''`: nobody holds the lease, as far as this replica knows. */
  readonly holder: string;
  readonly term: number;
  /** When the holder acquired the lease. */
  readonly since: string | undefined;
  readonly renewedAt: string | undefined;
  /** How this replica lost its last leadership. */
  readonly lastLoss: { term: number; reason: LossReason; detail: string; at: string } | undefined;
  /** When this replica calls the lock next, if nothing happens before. */
  readonly nextAttemptAt: string | undefined;
  /** Whether a watch on the lock is running. */
  readonly watching: boolean;
}

/**
 * Takes part in the election of one leader among all replicas that name the same lease. {@link Elector.run} runs until its
 * signal aborts: a replica that loses is a standby again and can win again.
 */
export class Elector {
  readonly #replica: Replica;
  #running = false;
  #lastLoss: ElectorStatus['lastLoss'];

  /** Throws a RangeError that names everything that is wrong with the options. */
  constructor(options: ElectorOptions) {
    this.#replica = new Replica(settingsOf(options), (state) => this.#onChange(state));
  }

  /** Subscribes to an event; the function returned unsubscribes. Listeners run at once and should not throw. */
  on<K extends keyof ElectorEvents>(type: K, listener: Listener<ElectorEvents[K]>): () => void {
    return this.#replica.events.on(type, listener);
  }

  get identity(): string {
    return this.#replica.settings.identity;
  }

  /** Set while this replica leads. */
  get leading(): Leading | undefined {
    return this.#replica.leadership;
  }

  /**
   * Until when no other replica can have taken the lease by its expiry, monotonic milliseconds; undefined when this one does not lead. With
   * `keep-until-superseded` it may lie in the past: then another may lead already.
   */
  get leaseUntil(): number | undefined {
    const { leadership, settings } = this.#replica;
    return leadership && leadership.renewedAt + settings.leaseDurationMs;
  }

  status(): ElectorStatus {
    const { settings, seen, leadership, nextAttemptAt, watcher } = this.#replica;
    const { identity, lock, clock } = settings;
    const record = seen.state?.record;
    return {
      role: leadership ? 'leader' : this.#running ? 'standby' : 'stopped',
      identity,
      lock: lock.name,
      holder: record?.holder ?? '',
      term: leadership?.term ?? record?.term ?? 0,
      since: record?.acquiredAt,
      renewedAt: record?.renewedAt,
      lastLoss: this.#lastLoss,
      nextAttemptAt: nextAttemptAt === undefined ? undefined : iso(clock.now() + nextAttemptAt - clock.monotonic()),
      watching: watcher.live,
    };
  }

  /** The live replicas, leader included, where the lock can tell. */
  async candidates(signal: AbortSignal): Promise<Candidate[]> {
    return (await this.#replica.settings.lock.candidates?.(signal)) ?? [];
  }

  /**
   * The term was refused in favour of `atLeast`: writes a greater one into the lease, if it is still ours, and returns it.
   * Rejects with {@link NotLeadingError} when the lease is not ours, or when that can't be found out within the renew
   * deadline: then leadership is lost, since a greater term is evidence of another leader. {@link RangeError} where no term is greater.
   */
  raiseTerm(atLeast: number): Promise<number> {
    const { seen, leadership, wakeup } = this.#replica;
    if (atLeast >= MAX_TERM) return Promise.reject(new RangeError(`no term is greater than ${atLeast}`));
    seen.maxTerm = Math.max(seen.maxTerm, atLeast);
    if (!leadership) return Promise.reject(new NotLeadingError());
    const raised = leadership.raised(atLeast, this.#replica.now());
    wakeup.wake();
    return raised;
  }

  /**
   * Gives leadership up, if this replica has it, and does not claim it again for `holdOffMs` (default: three lease
   * durations), so that another can. `detail` says why, in the `lost` event.
   */
  yield(detail: string, holdOffMs = this.#replica.settings.leaseDurationMs * 3): void {
    const { leadership, wakeup } = this.#replica;
    if (!leadership) return;
    leadership.yielding = detail;
    this.#replica.holdOffUntil = this.#replica.now() + holdOffMs;
    wakeup.wake();
  }

  /** Takes part until the signal aborts. A leader then finishes (`onStop`) and releases the lease before this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error('this elector is running already');
    this.#running = true;
    const replica = this.#replica;
    const { clock } = replica.settings;
    replica.dirty = true;
    const background = new AbortController();
    const forget = whenAborted(signal, () => replica.wakeup.wake());
    let helpers: Promise<unknown> | undefined;
    replica.startHelpers = () => {
      helpers ??= Promise.all([replica.watcher.run(background.signal), this.#announce(background.signal)]);
    };
    const standby = new Standby(replica);
    try {
      while (!signal.aborted) {
        const leadership = await standby.run(signal);
        if (!leadership) continue;
        await new Leader(replica, leadership, (...loss) => this.#lose(...loss)).run(signal);
      }
      if (replica.unsure) await releaseLease(replica);
    } finally {
      forget();
      background.abort(new Error('the elector was stopped'));
      await replica.holderWatch.stop();
      await withDeadline(clock, HELPERS_END_MS, 'end of the watch', undefined, async () => helpers).catch(
        (error: unknown) => replica.report('stop', error),
      );
      replica.nextAttemptAt = undefined;
      this.#running = false;
    }
  }

  #onChange(state: LeaseState | undefined): void {
    const replica = this.#replica;
    const { leadership, settings } = replica;
    if (!leadership) {
      replica.saw(state);
    } else if (!state) {
      // from here on another may have it: inert at once, and a candidate like all others
      replica.saw(state);
      this.#lose(leadership, 'deleted', 'the lease was deleted');
    } else if (state.record.holder !== settings.identity && state.record.term >= leadership.term) {
      replica.saw(state);
      this.#lose(leadership, 'superseded', `the lease is held by ${state.record.holder || 'nobody'}`);
    }
    // anything else that a leader is told is its own write, or older than it
    replica.wakeup.wake();
  }

  #lose(leadership: Leadership, reason: LossReason, detail: string): void {
    if (leadership.lost) return;
    const replica = this.#replica;
    const lostAt = iso(replica.settings.clock.now());
    const { term } = leadership;
    replica.leadership = undefined;
    this.#lastLoss = { term, reason, detail, at: lostAt };
    // a deletion is something to act on at once; whatever else it was, look first
    replica.dirty = reason !== 'deleted';
    replica.retryAt = 0;
    leadership.end(new NotLeadingError(`leadership was lost: ${detail}`));
    replica.emit('lost', { term, reason, detail, lostAt });
    replica.wakeup.wake();
  }

  async #announce(signal: AbortSignal): Promise<void> {
    try {
      await this.#replica.settings.lock.announce?.(this.identity, signal);
    } catch (error) {
      if (!signal.aborted) this.#replica.report('announce', error);
    }
  }
}
