import { type Clock, pause, withDeadline } from 'clock-port';
import type { Logger } from 'pino';

export interface HubSightOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Whether the hub answers at all, from here. */
  probe(signal: AbortSignal): Promise<boolean>;
  /** Whether this replica leads now. */
  leads(): boolean;
  /** Gives the lead to another replica. */
  yield(reason: string): void;
}

/** Between two looks, milliseconds: often enough to know before the lead has to change. */
const LOOK_PERIOD = 2_000;
/** The same of a leader that lost its connection: each look tells whether another replica has to serve; and after one look of a standby's that failed. */
const LOST_PERIOD = 250;
const LOOK_TIMEOUT = 800;
/** A leader that has not seen the hub for so long (and so for two looks) gives way, milliseconds. */
const YIELD_AFTER = 2_000;

/**
 * Whether this replica sees the hub. A leader that doesn't gives way to a replica that does: those who don't hesitate to take the lead. Once for
 * each time that it was connected: when the hub itself is away, the lead changes hands at most once, and stays there.
 */
export class HubSight {
  readonly #options: HubSightOptions;
  #connected = false;
  /** Looks in a row that saw nothing. */
  #missed = 0;
  #mayYield = false;
  #lostAt: number | undefined;

  constructor(options: HubSightOptions) {
    this.#options = options;
  }

  /**
   * Whether the hub could be reached at one of the last two looks; true before the first. With most replicas of the hub dead, one look may
   * have met no living one, and a standby that hesitates for that costs time.
   */
  get reachable(): boolean {
    return this.#connected || this.#missed < 2;
  }

  /** It leads, was connected since it does, and has not given way since. */
  get #mayGiveWay(): boolean {
    return this.#mayYield && this.#options.leads();
  }

  /** This replica leads from now on: what it saw of the hub when it led before is no reason to give way. */
  elected(): void {
    this.#mayYield = false;
    this.#lostAt = undefined;
  }

  /** The link is up, or down. */
  set connected(connected: boolean) {
    this.#connected = connected;
    this.#lostAt = connected ? undefined : (this.#lostAt ?? this.#options.clock.monotonic());
    if (!connected) return;
    this.#mayYield = true;
    this.#missed = 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    while (!signal.aborted) {
      const soon = this.#mayGiveWay || this.#missed === 1;
      const period = soon ? LOST_PERIOD : LOOK_PERIOD;
      await pause(clock, period * (0.75 + random() / 2), signal);
      if (!signal.aborted && !this.#connected) await this.#look(signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const seen = await withDeadline(clock, LOOK_TIMEOUT, 'hub', signal, (limit) => this.#options.probe(limit)).catch(
      () => false,
    );
    this.#missed = seen ? 0 : this.#missed + 1;
    const unseen = clock.monotonic() - (this.#lostAt ?? clock.monotonic());
    if (this.reachable || unseen < YIELD_AFTER || !this.#mayGiveWay) return;
    this.#mayYield = false;
    // whoever gave the lead away for it does not take it back before the hub is seen
    this.#missed = Math.max(this.#missed, 2);
    log.warn(
      { unseen_ms: Math.round(unseen) },
      'The hub can’t be reached from here: giving the lead to another replica',
    );
    this.#options.yield('the hub can’t be reached from here');
  }
}
