import { type Clock, deadline, untilAborted } from 'clock-port';
import { type AgentStatus, type Election, PROTOCOL_VERSIONS, StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { HubSession } from '../link/hub-session.ts';
import type { AgentMetrics } from '../health/metrics.ts';
import { Backoff } from '../link/backoff.ts';
import type { Credentials } from '../link/credential.ts';
import type { Dialer } from '../link/dialer.ts';
import type { Link } from '../link/link.ts';
import { Links } from '../link/links.ts';
import { Pictures } from '../picture/pictures.ts';
import type { Replicas } from './replicas.ts';
import { SessionDesk } from '../sessions/desk.ts';
import type { SessionDriver } from '../sessions/driver.ts';
import { Offer } from '../sessions/offer.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

export interface TermOfOfficeOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly driver: SessionDriver;
  readonly dialer: Dialer;
  readonly credentials: Credentials;
  readonly metrics: AgentMetrics;
  readonly replicas: Replicas;
  readonly build: string;
  /** The present term: it may be raised meanwhile; 0 where HA is off. */
  term(): number;
  readonly election: Election | undefined;
  /** The hub knows a term that is not smaller: gets a greater one. Rejects when this replica does not lead any more. */
  raiseTerm(atLeast: number): Promise<unknown>;
  /** The link that is up now, or none. */
  onLink(link: Link | undefined): void;
  onHeartbeat(): void;
}

/** What a leader that stops gives its operations, where another replica can go on with them, milliseconds. */
const HANDOVER_MS = 200;

/** What an agent does while it may act: holds the link, carries out commands, carries screens. One for each time of leadership. */
export class TermOfOffice {
  readonly #options: TermOfOfficeOptions;
  readonly #desk: SessionDesk;
  readonly #offer: Offer;
  readonly #links: Links;
  #conversation: HubSession | undefined;
  readonly #tunnels = new Set<Tunnels>();
  readonly #pictures: Pictures;
  /** Why the platform can't be asked for its sessions. */
  #driverFailed: string | undefined;

  constructor(options: TermOfOfficeOptions) {
    this.#options = options;
    const { config, clock, log, random, driver, metrics, replicas } = options;
    const link = () => this.#links.current;
    this.#pictures = new Pictures(driver, clock);
    this.#offer = new Offer({ clock, log, driver, replicas, maxSessions: config.maxSessions, link });
    this.#desk = new SessionDesk({
      config,
      clock,
      log,
      random,
      driver,
      metrics,
      hub: () => this.#conversation,
      term: () => link()?.welcome.term,
      onEnding: (sessionId, error) => {
        for (const tunnels of this.#tunnels) tunnels.closeSession(sessionId, error);
      },
    });
    this.#links = new Links({
      clock,
      log,
      backoff: new Backoff(clock, { base: config.reconnectDelay, max: config.maxReconnectDelay, random }),
      open: (signal) => this.#open(signal),
      converse: (link, goAway) => this.#converse(link, goAway),
      remedy: (error, signal) => this.#remedy(error, signal),
      onUp: (link) => options.onLink(link),
      onDown: () => options.onLink(undefined),
    });
  }

  /** Until the signal aborts; then aborts operations, closes the link and resolves. */
  async run(signal: AbortSignal): Promise<void> {
    // trouble with the platform is news: not only with the next heartbeat
    const deafen = this.#options.driver.onTrouble?.(() => this.#links.current?.beat());
    await Promise.all([
      this.#links.run(signal),
      this.#desk.run(signal),
      this.#offer.run(signal),
      this.#abortWith(signal),
    ]);
    deafen?.();
    this.#options.onLink(undefined);
  }

  /**
   * Graceful end: lets operations finish (at most GRACEFUL_SHUTDOWN_TIMEOUT), then tells the hub [CON7]. Before `run`'s signal aborts. Where
   * another replica stands by, what takes longer is left to it: the hub sends it again, and until then nobody serves.
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

  async #open(signal: AbortSignal): Promise<Link> {
    const { config, driver, credentials, dialer, election, build } = this.#options;
    const capacity = await this.#offer.current(signal);
    const token = await credentials.current(signal);
    try {
      return await dialer.open(
        token,
        {
          type: 'hello',
          versions: [...PROTOCOL_VERSIONS],
          agent_id: config.agentId,
          replica: config.podName,
          term: this.#options.term(),
          platform: driver.platform,
          region: config.region,
          priority: config.priority,
          capacity,
          build,
          ...(election !== undefined && { election: { ...election, term: this.#options.term() } }),
        },
        signal,
      );
    } catch (error) {
      // which credential it was is known only here
      if (error instanceof StreamSpaceError && error.code === 'unauthenticated') {
        throw new StreamSpaceError('unauthenticated', error.message, {
          ...error.details,
          another: await credentials.refused(token),
        });
      }
      throw error;
    }
  }

  async #remedy(error: StreamSpaceError, signal: AbortSignal): Promise<boolean> {
    const { log } = this.#options;
    const term = this.#options.term();
    if (error.code === 'unauthenticated') return error.details['another'] === true;
    if (error.code !== 'stale_term' || term === 0) return false;
    const theirs = Number(error.details['term'] ?? term);
    log.warn({ term, hub_term: theirs }, 'Hub knows a greater term: raising ours');
    try {
      await this.#options.raiseTerm(theirs);
      return !signal.aborted;
    } catch (error) {
      // then the lead is lost, and the signal tells
      log.warn({ err: error }, 'Term could not be raised');
      return false;
    }
  }

  #converse(link: Link, goAway: (afterMs: number) => void): HubSession {
    const { config, clock, log, driver, credentials, metrics } = this.#options;
    const tunnels = new Tunnels(link, {
      driver,
      clock,
      log,
      idleTimeout: config.vncTunnelTimeout,
      bufferSize: config.vncBufferSize,
      onInput: this.#desk.idleness && ((id) => this.#desk.idleness!.used(id)),
      onCount: (change) => metrics.tunnels.inc(change),
    });
    this.#tunnels.add(tunnels);
    const over = new AbortController();
    void link.ended.then((error) => {
      over.abort(error);
      this.#tunnels.delete(tunnels);
    });
    const conversation = new HubSession({
      link,
      clock,
      log,
      driver,
      credentials,
      pictures: this.#pictures,
      tunnels,
      goAway,
      book: this.#desk.book,
      dispatcher: this.#desk.dispatcher,
      onUsed: (id) => this.#desk.idleness?.used(id),
      beat: () => this.#beat(link, over.signal),
      onBeatAnswered: () => this.#options.onHeartbeat(),
      onReport: (error) => {
        this.#driverFailed = error?.message;
        this.#desk.count();
      },
    });
    this.#conversation = conversation;
    for (const [id, inMs] of this.#desk.idleness?.notices ?? []) conversation.sayIdle(id, inMs);
    return conversation;
  }

  /** What the hub is told of this agent; `status_reason` where it knows that field [VER2]. */
  #health(link: Link): { status: AgentStatus; status_reason?: string } {
    const { trouble } = this.#options.driver;
    const status =
      this.#driverFailed !== undefined
        ? 'error'
        : this.#desk.watchFailed !== undefined || trouble !== undefined
          ? 'warning'
          : 'online';
    const reason = trouble ?? this.#driverFailed ?? this.#desk.watchFailed;
    return {
      status,
      ...(reason !== undefined && link.welcome.version >= 3 && { status_reason: reason.slice(0, 1024) }),
    };
  }

  #beat(link: Link, over: AbortSignal): ReturnType<HubSession['beat']> {
    // settles by itself and never rejects; what it finds out is news for the next heartbeat, or for one right away
    void this.#offer.refresh(link, over);
    const { isolation } = this.#options.driver;
    return {
      ...this.#health(link),
      capacity: this.#offer.capacity!,
      active_sessions: this.#desk.book.active,
      replicas: this.#options.replicas.known,
      // a hub of version 1 does not know it [VER2]
      ...(isolation !== undefined && link.welcome.version >= 3 && { isolation }),
    };
  }
}
