import { type Clock, deadline, Outage, sleep, withDeadline } from 'clock-port';
import {
  type AgentStatus,
  type Capacity,
  type Election,
  PROTOCOL_VERSIONS,
  StreamSpaceError,
} from '@streamspace/protocol';
import type { Logger } from 'pino';
import { Dispatcher } from './commands/dispatcher.ts';
import type { Command, Outcome } from './commands/operation.ts';
import type { Config } from './config.ts';
import { HubConversation } from './conversation.ts';
import type { AgentMetrics } from './health/metrics.ts';
import { Backoff } from './link/backoff.ts';
import type { Credentials } from './link/credential.ts';
import type { Dialer } from './link/dialer.ts';
import type { Link } from './link/link.ts';
import { Links } from './link/links.ts';
import { Pictures } from './picture/pictures.ts';
import type { Replicas } from './replicas.ts';
import { SessionBook } from './sessions/book.ts';
import type { SessionDriver } from './sessions/driver.ts';
import { Idleness } from './sessions/idleness.ts';
import { Tunnels } from './tunnel/tunnels.ts';

export interface ServiceOptions {
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
  /** The present term: it may be raised while the service runs; 0 where HA is off. */
  term(): number;
  readonly election: Election | undefined;
  /** The hub knows a term that is not smaller: gets a greater one. Rejects when this replica does not lead any more. */
  raiseTerm(atLeast: number): Promise<unknown>;
  /** The link that is up now, or none. */
  onLink(link: Link | undefined): void;
  onHeartbeat(): void;
}

const CAPACITY_TIMEOUT = 10_000;
/** Between two looks at the platform's capacity besides those of heartbeats, milliseconds: a quota that was raised lets sessions in. */
const CAPACITY_PERIOD = 10_000;
/** What a leader that stops gives its operations, where another replica can go on with them, milliseconds. */
const HANDOVER_MS = 200;
/** Between two tries to watch the platform, milliseconds: base and cap. */
const WATCH_RETRY = { base: 200, max: 30_000 };

/** What an agent does while it may act: holds the link, carries out commands, carries screens. One for each time of leadership. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #book = new SessionBook();
  readonly #dispatcher: Dispatcher;
  readonly #links: Links;
  #conversation: HubConversation | undefined;
  readonly #idleness: Idleness | undefined;
  readonly #tunnels = new Set<Tunnels>();
  readonly #pictures: Pictures;
  /** Commands under way that are not the hub's. */
  readonly #own = new Set<string>();
  /** Sessions that went while a command for them was under way. */
  readonly #gone = new Set<string>();
  #capacity: Capacity | undefined;
  /** Why the platform can't be asked for its sessions, or watched. */
  #driverFailed: string | undefined;
  #watchFailed: string | undefined;
  #refreshing = false;
  readonly #unread: Outage;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { config, clock, log, random, driver } = options;
    this.#unread = new Outage(clock, log, 'Capacity could not be read');
    this.#pictures = new Pictures(driver, clock);
    this.#dispatcher = new Dispatcher({
      driver,
      clock,
      log,
      concurrency: config.maxConcurrentOperations,
      timeout: config.commandTimeout,
      observer: {
        onStart: (command) => this.#onStart(command),
        onFinish: (...finished) => this.#onFinish(...finished),
        onAnswered: (...answered) => this.#onAnswered(...answered),
      },
    });
    this.#idleness =
      config.sessionIdleTimeout === undefined
        ? undefined
        : new Idleness({
            clock,
            timeout: config.sessionIdleTimeout,
            running: () => this.#book.running,
            onNotice: (id, inMs) => this.#conversation?.sayIdle(id, inMs),
            onIdle: (id) => this.#hibernate(id, config.sessionIdleTimeout!),
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
      this.#watch(signal),
      this.#watchCapacity(signal),
      this.#abortWith(signal),
      this.#idleness?.run(signal),
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
    await this.#dispatcher.drain(limit.signal);
    limit.clear();
    const operations = this.#dispatcher.running;
    if (operations > 0 && others) log.info({ operations }, 'Operations are left to the next leader');
    else if (operations > 0) log.warn({ operations }, 'Operations did not finish in time');
    this.#links.leave('The agent stops');
  }

  async #abortWith(signal: AbortSignal): Promise<void> {
    await aborted(signal);
    await this.#dispatcher.abort(new StreamSpaceError('command_aborted', 'This replica does not lead any more'));
  }

  async #open(signal: AbortSignal): Promise<Link> {
    const { config, clock, driver, credentials, dialer, election, build } = this.#options;
    try {
      const capacity = await withDeadline(clock, CAPACITY_TIMEOUT, 'capacity', signal, (limit) =>
        driver.capacity(limit),
      );
      this.#capacity = this.#offered(capacity);
    } catch (error) {
      // a platform that is away is told to the hub, not hidden from it
      if (this.#capacity === undefined || signal.aborted) throw error;
    }
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
          capacity: this.#capacity,
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

  #converse(link: Link, goAway: (afterMs: number) => void): HubConversation {
    const { config, clock, log, driver, credentials, metrics } = this.#options;
    const tunnels = new Tunnels(link, {
      driver,
      clock,
      log,
      idleTimeout: config.vncTunnelTimeout,
      bufferSize: config.vncBufferSize,
      onInput: this.#idleness && ((id) => this.#idleness!.used(id)),
      onCount: (change) => metrics.tunnels.inc(change),
    });
    this.#tunnels.add(tunnels);
    const over = new AbortController();
    void link.ended.then((error) => {
      over.abort(error);
      this.#tunnels.delete(tunnels);
    });
    const conversation = new HubConversation({
      link,
      clock,
      log,
      driver,
      credentials,
      pictures: this.#pictures,
      tunnels,
      goAway,
      book: this.#book,
      dispatcher: this.#dispatcher,
      onUsed: (id) => this.#idleness?.used(id),
      beat: () => this.#beat(link, over.signal),
      onBeatAnswered: () => this.#options.onHeartbeat(),
      onReport: (error) => {
        this.#driverFailed = error?.message;
        this.#countSessions();
      },
    });
    this.#conversation = conversation;
    for (const [id, inMs] of this.#idleness?.notices ?? []) conversation.sayIdle(id, inMs);
    return conversation;
  }

  /** What the hub is told of this agent; `status_reason` where it knows that field [VER2]. */
  #health(link: Link): { status: AgentStatus; status_reason?: string } {
    const { trouble } = this.#options.driver;
    const status =
      this.#driverFailed !== undefined
        ? 'error'
        : this.#watchFailed !== undefined || trouble !== undefined
          ? 'warning'
          : 'online';
    const reason = trouble ?? this.#driverFailed ?? this.#watchFailed;
    return {
      status,
      ...(reason !== undefined && link.welcome.version >= 3 && { status_reason: reason.slice(0, 1024) }),
    };
  }

  #beat(link: Link, over: AbortSignal): ReturnType<HubConversation['beat']> {
    // settles by itself and never rejects; what it finds out is news for the next heartbeat, or for one right away
    void this.#refresh(link, over);
    const { isolation } = this.#options.driver;
    return {
      ...this.#health(link),
      capacity: this.#capacity!,
      active_sessions: this.#book.active,
      replicas: this.#options.replicas.known,
      // a hub of version 1 does not know it [VER2]
      ...(isolation !== undefined && link.welcome.version >= 3 && { isolation }),
    };
  }

  async #refresh(link: Link, over: AbortSignal): Promise<void> {
    const { clock, driver, replicas } = this.#options;
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      if (await replicas.refresh(over)) link.beat();
      const capacity = await withDeadline(clock, CAPACITY_TIMEOUT, 'capacity', over, (limit) => driver.capacity(limit));
      this.#capacity = this.#offered(capacity);
      this.#unread.over();
    } catch (error) {
      if (!over.aborted) this.#unread.failed({ err: error });
    } finally {
      this.#refreshing = false;
    }
  }

  /** What changes between two heartbeats is told at once. */
  async #watchCapacity(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, CAPACITY_PERIOD, signal).catch(() => undefined);
      const link = this.#links.current;
      if (link === undefined || signal.aborted) continue;
      const before = this.#capacity;
      await this.#refresh(link, signal);
      if (JSON.stringify(before) !== JSON.stringify(this.#capacity) && this.#links.current === link) link.beat();
    }
  }

  #offered(capacity: Capacity): Capacity {
    return { ...capacity, max_sessions: Math.min(capacity.max_sessions, this.#options.config.maxSessions) };
  }

  #onStart(command: Command): void {
    const id = command.session_id;
    if (id === undefined || (command.action !== 'delete_session' && command.action !== 'hibernate_session')) return;
    const error = new StreamSpaceError(
      'session_not_running',
      command.action === 'delete_session' ? 'The session was deleted' : 'The session hibernates',
    );
    for (const tunnels of this.#tunnels) tunnels.closeSession(id, error);
  }

  #onFinish(command: Command, outcome: Outcome, seconds: number): void {
    this.#options.metrics.commandDuration.observe(
      { action: command.action, outcome: outcome.error?.code ?? 'completed' },
      seconds,
    );
    if (outcome.error === undefined && command.action === 'delete_session') this.#book.delete(command.session_id!);
    if (outcome.session !== undefined) this.#book.set(outcome.session);
    if (outcome.session?.state === 'running') this.#idleness?.used(outcome.session.spec.id);
    // a viewer may have come while the session was stopping
    if (outcome.error === undefined) this.#onStart(command);
    this.#countSessions();
  }

  /**
   * What became of a session whose command failed is not what the hub would guess from that. Said behind the answer, which it would be taken
   * back by otherwise; with the reason of the failure, where the session has none of its own.
   */
  #onAnswered({ id, session_id: sessionId }: Command, { error }: Outcome): void {
    if (this.#own.delete(id) || sessionId === undefined) return;
    const gone = this.#gone.delete(sessionId);
    if (error === undefined) return;
    const status = this.#book.get(sessionId);
    if (status !== undefined)
      this.#conversation?.send({ type: 'session_state', session: { reason: error.message, ...status } });
    else if (gone) this.#sayGone(sessionId);
  }

  /**
   * A command of our own, on the way of all commands: in the session's order, under the hub's term, with its viewers sent away. The hub
   * is told as of any change that the platform makes by itself.
   */
  #hibernate(sessionId: string, timeout: number): void {
    const { log, random } = this.#options;
    const link = this.#links.current;
    // without a hub nobody could wake it again; with a command under way somebody uses it
    if (link === undefined || this.#dispatcher.concerns(sessionId)) return;
    log.info({ session_id: sessionId, idle_ms: timeout }, 'Session is idle: hibernating it');
    const id = `idle-${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
    const command: Command = { type: 'command', id, attempt: 1, action: 'hibernate_session', session_id: sessionId };
    this.#own.add(id);
    this.#dispatcher.dispatch(command, link.welcome.term, {
      send: (message) => {
        if (message.type !== 'result' || message.session === undefined) return;
        const reason = `Hibernated: nobody used it for ${Math.round(timeout / 1000)} s`;
        this.#conversation?.send({ type: 'session_state', session: { ...message.session, reason } });
      },
    });
  }

  #countSessions(): void {
    this.#options.metrics.sessions.set(this.#book.active);
  }

  /** Tells the hub what changes by itself; a watch that ends is replaced. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log, random, driver } = this.#options;
    const backoff = new Backoff(clock, { ...WATCH_RETRY, random });
    const outage = new Outage(clock, log, 'Watch of the sessions ended');
    while (!signal.aborted) {
      backoff.welcome();
      try {
        await driver.watch((id, status) => this.#onChange(id, status), signal);
        if (!signal.aborted) throw new StreamSpaceError('driver_failed', 'the watch ended');
      } catch (error) {
        if (signal.aborted) return outage.stop();
        this.#watchFailed = `The watch of the sessions ended: ${(error as Error).message}`;
        outage.failed({ err: error });
        await sleep(clock, backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  #onChange(sessionId: string, status: Parameters<Parameters<SessionDriver['watch']>[0]>[1]): void {
    this.#watchFailed = undefined;
    if (status !== undefined) {
      this.#book.set(status);
      this.#gone.delete(sessionId);
      this.#conversation?.send({ type: 'session_state', session: status });
    } else if (this.#book.delete(sessionId)) {
      // its command's answer tells, if it is a good one
      if (this.#dispatcher.concerns(sessionId)) this.#gone.add(sessionId);
      else this.#sayGone(sessionId);
    }
    this.#countSessions();
  }

  #sayGone(sessionId: string): void {
    this.#conversation?.send({ type: 'session_gone', session_id: sessionId, reason: 'gone from the platform' });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
