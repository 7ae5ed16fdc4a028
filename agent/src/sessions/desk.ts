import { type Clock, Outage, pause, withDeadline } from 'clock-port';
import { type AgentMessage, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import { Dispatcher } from '../commands/dispatcher.ts';
import type { CommandMessage, Outcome } from '../commands/operation.ts';
import type { AgentConfig } from '../config.ts';
import type { AgentMetrics } from '../health/metrics.ts';
import { Backoff } from '../link/backoff.ts';
import { SessionBook } from './book.ts';
import type { SessionDriver } from './driver.ts';
import { Idleness } from './idleness.ts';

export interface SessionDeskOptions {
  readonly config: Pick<AgentConfig, 'maxConcurrentOperations' | 'commandTimeout' | 'sessionIdleTimeout'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly driver: SessionDriver;
  readonly metrics: AgentMetrics;
}

/** Where sessions' news go while a link is up; the next one begins with a report of all. */
export interface DeskHub {
  /** That the hub gave the link. */
  readonly term: number;
  send(message: AgentMessage): void;
  /** Nobody uses the session: it is hibernated in so many milliseconds; undefined: not any more [SES10]. */
  sayIdle(sessionId: string, inMs: number | undefined): void;
  /** The session is to be deleted, or sleeps: whoever looks at it over this link is told so. */
  closeScreens(sessionId: string, error: StreamSpaceError): void;
}

/** To list the platform's sessions, milliseconds. */
const LIST_TIMEOUT = 10_000;

/** Between two tries to watch the platform, milliseconds: base and cap. */
const WATCH_RETRY = { base: 200, max: 30_000 };

/**
 * What is known of the platform's sessions, and all that changes them: commands of the hub, idle sleep, and what the platform does by itself.
 * The hub hears of each change once, in the order in which it happened.
 */
export class SessionDesk {
  readonly book = new SessionBook();
  readonly dispatcher: Dispatcher;
  /** Undefined where sessions don't sleep by themselves. */
  readonly idleness: Idleness | undefined;
  readonly #options: SessionDeskOptions;
  /** Commands under way that are not the hub's. */
  readonly #own = new Set<string>();
  /** Sessions that went while a command for them was under way. */
  readonly #gone = new Set<string>();
  /** The latest one is the one; another may be about to end [CON8]. */
  readonly #hubs = new Set<DeskHub>();
  #watchFailed: string | undefined;
  #listFailed: string | undefined;

  constructor(options: SessionDeskOptions) {
    this.#options = options;
    const { config, clock, log, driver } = options;
    this.dispatcher = new Dispatcher({
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
    const { sessionIdleTimeout: timeout } = config;
    if (timeout !== undefined)
      this.idleness = new Idleness({
        clock,
        timeout,
        running: () => this.book.running,
        onNotice: (id, inMs) => this.#hub?.sayIdle(id, inMs),
        onIdle: (id) => this.#hibernate(id, timeout),
      });
  }

  /** News go there from now on, what is announced of idle sessions at once. */
  attach(hub: DeskHub): void {
    this.#hubs.add(hub);
    for (const [id, inMs] of this.idleness?.notices ?? []) hub.sayIdle(id, inMs);
  }

  /** Its link is over. */
  detach(hub: DeskHub): void {
    this.#hubs.delete(hub);
  }

  /** Somebody uses the session, or wants it to stay awake. */
  used(sessionId: string): void {
    this.idleness?.used(sessionId);
  }

  /** All sessions, for a report. Rejects when the platform does not say in time. */
  async list(signal: AbortSignal): Promise<SessionStatus[]> {
    const { clock, driver } = this.#options;
    try {
      const sessions = await withDeadline(clock, LIST_TIMEOUT, 'sessions', signal, (limit) => driver.list(limit));
      this.book.replace(sessions);
      this.#listFailed = undefined;
      return sessions;
    } catch (error) {
      if (!signal.aborted) this.#listFailed = (error as Error).message;
      throw error;
    } finally {
      this.#count();
    }
  }

  /** Why the platform's sessions can't be listed; undefined where they can. */
  get listFailed(): string | undefined {
    return this.#listFailed;
  }

  /** Why the platform can't be watched; undefined where it can. */
  get watchFailed(): string | undefined {
    return this.#watchFailed;
  }

  /** Follows the platform and idle sessions until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.idleness?.run(signal)]);
  }

  get #hub(): DeskHub | undefined {
    return [...this.#hubs].at(-1);
  }

  /** The gauge of sessions is what the book says. */
  #count(): void {
    this.#options.metrics.sessions.set(this.book.active);
  }

  #onStart(command: CommandMessage): void {
    const id = command.session_id;
    if (id === undefined || (command.action !== 'delete_session' && command.action !== 'hibernate_session')) return;
    const error = new StreamSpaceError(
      'session_not_running',
      command.action === 'delete_session' ? 'The session was deleted' : 'The session hibernates',
    );
    for (const hub of this.#hubs) hub.closeScreens(id, error);
  }

  #onFinish(command: CommandMessage, outcome: Outcome, seconds: number): void {
    this.#options.metrics.commandDuration.observe(
      { action: command.action, outcome: outcome.error?.code ?? 'completed' },
      seconds,
    );
    if (outcome.error === undefined && command.action === 'delete_session') this.book.delete(command.session_id!);
    if (outcome.session !== undefined) this.book.set(outcome.session);
    if (outcome.session?.state === 'running') this.idleness?.used(outcome.session.spec.id);
    // a viewer may have come while the session was stopping
    if (outcome.error === undefined) this.#onStart(command);
    this.#count();
  }

  /**
   * What became of a session whose command failed is not what the hub would guess from that. Said behind the answer, which it would be taken
   * back by otherwise; with the reason of the failure, where the session has none of its own.
   */
  #onAnswered({ id, session_id: sessionId }: CommandMessage, { error }: Outcome): void {
    if (this.#own.delete(id) || sessionId === undefined) return;
    const gone = this.#gone.delete(sessionId);
    if (error === undefined) return;
    const status = this.book.get(sessionId);
    if (status !== undefined) this.#hub?.send({ type: 'session_state', session: { reason: error.message, ...status } });
    else if (gone) this.#sayGone(sessionId);
  }

  /**
   * A command of our own, on the way of all commands: in the session's order, under the hub's term, with its viewers sent away. The hub
   * is told as of any change that the platform makes by itself.
   */
  #hibernate(sessionId: string, timeout: number): void {
    const { log, random } = this.#options;
    const term = this.#hub?.term;
    // without a hub nobody could wake it again; with a command under way somebody uses it
    if (term === undefined || this.dispatcher.concerns(sessionId)) return;
    log.info({ session_id: sessionId, idle_ms: timeout }, 'Session is idle: hibernating it');
    const id = `idle-${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
    const command: CommandMessage = {
      type: 'command',
      id,
      attempt: 1,
      action: 'hibernate_session',
      session_id: sessionId,
    };
    this.#own.add(id);
    this.dispatcher.dispatch(command, term, {
      send: (message) => {
        if (message.type !== 'result' || message.session === undefined) return;
        const reason = `Hibernated: nobody used it for ${Math.round(timeout / 1000)} s`;
        this.#hub?.send({ type: 'session_state', session: { ...message.session, reason } });
      },
    });
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
        await pause(clock, backoff.next(), signal);
      }
    }
  }

  #onChange(sessionId: string, status: Parameters<Parameters<SessionDriver['watch']>[0]>[1]): void {
    this.#watchFailed = undefined;
    if (status !== undefined) {
      this.book.set(status);
      this.#gone.delete(sessionId);
      this.#hub?.send({ type: 'session_state', session: status });
    } else if (this.book.delete(sessionId)) {
      // its command's answer tells, if it is a good one
      if (this.dispatcher.concerns(sessionId)) this.#gone.add(sessionId);
      else this.#sayGone(sessionId);
    }
    this.#count();
  }

  #sayGone(sessionId: string): void {
    this.#hub?.send({ type: 'session_gone', session_id: sessionId, reason: 'gone from the platform' });
  }
}
