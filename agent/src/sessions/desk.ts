import { type Clock, Outage, pause } from 'clock-port';
import { StreamSpaceError } from '@streamspace/protocol';
import type { Logger } from 'pino';
import { Dispatcher } from '../commands/dispatcher.ts';
import type { Command, Outcome } from '../commands/operation.ts';
import type { Config } from '../config.ts';
import type { HubSession } from '../link/hub-session.ts';
import type { AgentMetrics } from '../health/metrics.ts';
import { Backoff } from '../link/backoff.ts';
import { SessionBook } from './book.ts';
import type { SessionDriver } from './driver.ts';
import { Idleness } from './idleness.ts';

export interface SessionDeskOptions {
  readonly config: Pick<Config, 'maxConcurrentOperations' | 'commandTimeout' | 'sessionIdleTimeout'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly driver: SessionDriver;
  readonly metrics: AgentMetrics;
  /** Where sessions' news go: what is said to one that has ended is dropped, the next begins with a report of all. */
  hub(): Pick<HubSession, 'send' | 'sayIdle'> | undefined;
  /** The term that the hub gave the link that is up; undefined without one. */
  term(): number | undefined;
  /** The session is to be deleted, or sleeps: whoever looks at it is told so. */
  onEnding(sessionId: string, error: StreamSpaceError): void;
}

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
  #watchFailed: string | undefined;

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
        onNotice: (id, inMs) => options.hub()?.sayIdle(id, inMs),
        onIdle: (id) => this.#hibernate(id, timeout),
      });
  }

  /** Why the platform can't be watched; undefined where it can. */
  get watchFailed(): string | undefined {
    return this.#watchFailed;
  }

  /** Follows the platform and idle sessions until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.idleness?.run(signal)]);
  }

  /** The gauge of sessions is what the book says. */
  count(): void {
    this.#options.metrics.sessions.set(this.book.active);
  }

  #onStart(command: Command): void {
    const id = command.session_id;
    if (id === undefined || (command.action !== 'delete_session' && command.action !== 'hibernate_session')) return;
    const error = new StreamSpaceError(
      'session_not_running',
      command.action === 'delete_session' ? 'The session was deleted' : 'The session hibernates',
    );
    this.#options.onEnding(id, error);
  }

  #onFinish(command: Command, outcome: Outcome, seconds: number): void {
    this.#options.metrics.commandDuration.observe(
      { action: command.action, outcome: outcome.error?.code ?? 'completed' },
      seconds,
    );
    if (outcome.error === undefined && command.action === 'delete_session') this.book.delete(command.session_id!);
    if (outcome.session !== undefined) this.book.set(outcome.session);
    if (outcome.session?.state === 'running') this.idleness?.used(outcome.session.spec.id);
    // a viewer may have come while the session was stopping
    if (outcome.error === undefined) this.#onStart(command);
    this.count();
  }

  /**
   * What became of a session whose command failed is not what the hub would guess from that. Said behind the answer, which it would be taken
   * back by otherwise; with the reason of the failure, where the session has none of its own.
   */
  #onAnswered({ id, session_id: sessionId }: Command, { error }: Outcome): void {
    if (this.#own.delete(id) || sessionId === undefined) return;
    const gone = this.#gone.delete(sessionId);
    if (error === undefined) return;
    const status = this.book.get(sessionId);
    if (status !== undefined)
      this.#options.hub()?.send({ type: 'session_state', session: { reason: error.message, ...status } });
    else if (gone) this.#sayGone(sessionId);
  }

  /**
   * A command of our own, on the way of all commands: in the session's order, under the hub's term, with its viewers sent away. The hub
   * is told as of any change that the platform makes by itself.
   */
  #hibernate(sessionId: string, timeout: number): void {
    const { log, random } = this.#options;
    const term = this.#options.term();
    // without a hub nobody could wake it again; with a command under way somebody uses it
    if (term === undefined || this.dispatcher.concerns(sessionId)) return;
    log.info({ session_id: sessionId, idle_ms: timeout }, 'Session is idle: hibernating it');
    const id = `idle-${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
    const command: Command = { type: 'command', id, attempt: 1, action: 'hibernate_session', session_id: sessionId };
    this.#own.add(id);
    this.dispatcher.dispatch(command, term, {
      send: (message) => {
        if (message.type !== 'result' || message.session === undefined) return;
        const reason = `Hibernated: nobody used it for ${Math.round(timeout / 1000)} s`;
        this.#options.hub()?.send({ type: 'session_state', session: { ...message.session, reason } });
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
      this.#options.hub()?.send({ type: 'session_state', session: status });
    } else if (this.book.delete(sessionId)) {
      // its command's answer tells, if it is a good one
      if (this.dispatcher.concerns(sessionId)) this.#gone.add(sessionId);
      else this.#sayGone(sessionId);
    }
    this.count();
  }

  #sayGone(sessionId: string): void {
    this.#options.hub()?.send({ type: 'session_gone', session_id: sessionId, reason: 'gone from the platform' });
  }
}
