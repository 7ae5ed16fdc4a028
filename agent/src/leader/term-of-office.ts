import { type Clock, deadline, untilAborted } from 'clock-port';
import { type Election, StreamSpaceError } from '@streamspace/protocol';
import type { Elector, Leading } from 'lease-elector';
import type { Logger } from 'pino';
import type { AgentConfig } from '../config.ts';
import { HubSession } from '../link/hub-session.ts';
import type { AgentMetrics } from '../health/metrics.ts';
import { Backoff } from '../link/backoff.ts';
import type { Credentials } from '../link/credential.ts';
import type { Dialer } from '../link/dialer.ts';
import type { HubContact } from '../link/hub-contact.ts';
import { Links } from '../link/links.ts';
import { Registration } from '../link/registration.ts';
import { VitalSigns } from '../link/vital-signs.ts';
import { Pictures } from '../picture/pictures.ts';
import type { Replicas } from './replicas.ts';
import { SessionDesk } from '../sessions/desk.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import { Offer } from '../sessions/offer.ts';

export interface TermOfOfficeOptions {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly driver: SessionDriver;
  readonly dialer: Dialer;
  readonly credentials: Credentials;
  readonly metrics: AgentMetrics;
  readonly replicas: Replicas;
  readonly build: string;
  /** Its term may be raised later; 0 where HA is off. */
  readonly leading: Pick<Leading, 'term'>;
  /** Undefined where HA is off. */
  readonly elector: Pick<Elector, 'raiseTerm'> | undefined;
  readonly election: Election | undefined;
  /** Hears when links begin and end. */
  readonly contact: HubContact;
}

/** Time for a stopping leader's operations if another replica can continue them, milliseconds. */
const HANDOVER_MS = 200;

/** The work of a leading agent: holds the link, executes commands, relays screens. One object for each time of leadership. */
export class TermOfOffice {
  readonly #options: TermOfOfficeOptions;
  readonly #desk: SessionDesk;
  readonly #signs: VitalSigns;
  readonly #links: Links;

  constructor(options: TermOfOfficeOptions) {
    this.#options = options;
    const { config, clock, log, random, driver, contact } = options;
    const offer = new Offer({ clock, driver, maxSessions: config.maxSessions });
    this.#desk = new SessionDesk(options);
    this.#signs = new VitalSigns({ ...options, desk: this.#desk, offer });
    const parts = { ...options, desk: this.#desk, pictures: new Pictures(driver, clock), signs: this.#signs };
    this.#links = new Links({
      clock,
      log,
      contact,
      backoff: new Backoff(clock, { base: config.reconnectDelay, max: config.maxReconnectDelay, random }),
      registration: new Registration({ ...options, offer }),
      begin: (link) => new HubSession(link, parts),
    });
  }

  /** Runs until the signal aborts; then aborts operations, closes the link and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#links.run(signal),
      this.#desk.run(signal),
      this.#signs.run(signal),
      this.#abortWith(signal),
    ]);
    this.#options.contact.down();
  }

  /**
   * Graceful end, called before `run`'s signal aborts: lets operations finish (at most GRACEFUL_SHUTDOWN_TIMEOUT), then tells the hub [CON7].
   * If another replica stands by, longer operations are left to it: the hub sends them again, and no replica serves until this one ends.
   */
  async finish(): Promise<void> {
    const { config, clock, log, replicas } = this.#options;
    const others = replicas.known.length > 1;
    const patience = others ? Math.min(HANDOVER_MS, config.gracefulShutdownTimeout) : config.gracefulShutdownTimeout;
    const limit = deadline(clock, patience, 'operations');
    await this.#desk.dispatcher.drain(limit.signal);
    limit.clear();
    const operations = this.#desk.dispatcher.running;
    if (operations > 0 && others) log.info({ operations }, 'Operations are left to the next leader');
    else if (operations > 0) log.warn({ operations }, 'Operations did not finish in time');
    this.#links.leave('The agent stops');
  }

  async #abortWith(signal: AbortSignal): Promise<void> {
    await untilAborted(signal);
    await this.#desk.dispatcher.abort(new StreamSpaceError('command_aborted', 'This replica does not lead any more'));
  }
}
