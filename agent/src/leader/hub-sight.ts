import { type Clock, pause, withDeadline } from 'clock-port';
import type { Logger } from 'pino';

export interface HubSightOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Whether the hub answers at all, seen from this replica. */
  probe(signal: AbortSignal): Promise<boolean>;
  /** Whether this replica leads now. */
  leads(): boolean;
  /** Gives the lead to another replica. */
  yield(reason: string): void;
}

/** Time between two probes, milliseconds: short enough to know the answer before the lead has to change. */
const LOOK_PERIOD = 2_000;
/**
 * The same for a leader that lost its connection, because each probe shows whether another replica has to serve; and for a standby after a
 * failed probe.
 */
const LOST_PERIOD = 250;
const LOOK_TIMEOUT = 800;
/** A leader that has not seen the hub for this long (and so for two probes) gives the lead away, milliseconds. */
const YIELD_AFTER = 2_000;

/**
 * Whether this replica sees the hub. A leader that does not see it gives the lead to a replica that does: replicas that don't see the hub
 * hesitate to take the lead. A leader does so once per connection: if the hub itself is down, the lead changes hands at most once.
 */
export class HubSight {
  readonly #options: HubSightOptions;
  #connected = false;
  /** Consecutive failed probes. */
  #missed = 0;
  #mayYield = false;
  #lostAt: number | undefined;

  constructor(options: HubSightOptions) {
    this.#options = options;
  }

  /**
   * Whether one of the last two probes reached the hub; true before the first. When most hub replicas are dead, one probe may have found no
   * living one, and a standby that hesitates for that reason costs time.
   */
  get reachable(): boolean {
    return this.#connected || this.#missed < 2;
  }

  /** This replica leads, has been connected since it was elected, and has not given the lead away since. */
  get #mayGiveWay(): boolean {
    return this.#mayYield && this.#options.leads();
  }

  /** This replica leads from now on: failures from its earlier time as leader are no reason to give the lead away. */
  elected(): void {
    this.#mayYield = false;
    this.#lostAt = undefined;
  }

  /** Whether the link is up. */
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
    // a replica that gave the lead away for this reason does not take it back before it sees the hub
    this.#missed = Math.max(this.#missed, 2);
    log.warn(
      { unseen_ms: Math.round(unseen) },
      'The hub can’t be reached from here: giving the lead to another replica',
    );
    this.#options.yield('the hub can’t be reached from here');
  }
}
