import { type Clock, DeadlineError, scope, whenAborted, withDeadline } from 'clock-port';
import { type AgentMessage, asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { SessionDriver, Slot } from '../sessions/driver.ts';
import { type CommandMessage, laneOf, type Outcome, perform } from './operation.ts';
import { Slots } from './slots.ts';

/** Where a command came from, and its answers go. */
export interface CommandOrigin {
  send(message: AgentMessage): void;
}

/** Observes commands besides their answers; callbacks do not throw. */
export interface DispatchObserver {
  /** Right before the call to the driver. */
  onStart(command: CommandMessage): void;
  /** After the call to the driver. `seconds`: its duration. */
  onFinish(command: CommandMessage, outcome: Outcome, seconds: number): void;
  /** After the answer was sent. */
  onAnswered(command: CommandMessage, outcome: Outcome): void;
}

export interface DispatcherOptions {
  readonly driver: SessionDriver;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: DispatchObserver;
  /** Most operations at the same time. */
  readonly concurrency: number;
  /** Longest operation, milliseconds. */
  readonly timeout: number;
  /** Most waiting commands; further ones are refused. */
  readonly queueLimit?: number;
  /** Number of outcomes remembered for repeated commands. */
  readonly remembered?: number;
}

interface Job {
  readonly command: CommandMessage;
  readonly key: string;
  readonly term: number;
  /** The attempt that gets the answer: the latest one [CMD4]. */
  attempt: number;
  origin: CommandOrigin;
  running: boolean;
  /** The cause of its wait; empty if it does not wait. */
  waitsFor: string;
  /** Aborts when a later command makes it pointless. */
  readonly pointless: AbortController;
}

/** Time for the driver to release an aborted start, milliseconds. */
const ABORTED_MS = 5_000;
/** Commands that start a session: pointless once the session is to be deleted. */
const STARTS: ReadonlySet<CommandMessage['action']> = new Set(['create_session', 'wake_session']);

/**
 * Runs commands outside the read loop (failure 2): at most `concurrency` at once, those of one session in order, each command id once. Lives
 * for one leadership; aborted commands get no answer, because the hub will ask the next leader.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Waiting and running commands by command id. */
  readonly #jobs = new Map<string, Job>();
  /** Waiting and running commands by lane, in order of arrival; the first of each lane is running or ready to run. */
  readonly #lanes = new Map<string, Job[]>();
  #ready: Job[] = [];
  /** Begun and not ended. */
  #running = 0;
  readonly #slots: Slots<Job>;
  readonly #outcomes: LRUCache<string, Outcome>;
  readonly #stop = new AbortController();
  #draining = false;
  #onIdle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency, () => this.#startReady());
    this.#outcomes = new LRUCache({ max: options.remembered ?? 4096 });
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#jobs.size - this.#running;
  }

  /** Whether a command for the session is running or waiting here. */
  concerns(sessionId: string): boolean {
    return this.#lanes.has(`session ${sessionId}`);
  }

  /** Takes a command; returns at once. `term`: under which the hub accepted the link it came by. */
  dispatch(command: CommandMessage, term: number, origin: CommandOrigin): void {
    if (this.#draining || this.#stop.signal.aborted) return;
    const known = this.#jobs.get(command.id);
    if (known !== undefined) {
      known.attempt = command.attempt;
      known.origin = origin;
      if (known.running) origin.send({ type: 'ack', command_id: command.id, attempt: command.attempt });
      return;
    }
    const outcome = this.#outcomes.get(command.id);
    if (outcome !== undefined) {
      origin.send({ type: 'ack', command_id: command.id, attempt: command.attempt });
      origin.send({ type: 'result', command_id: command.id, attempt: command.attempt, ...outcome });
      this.#options.observer.onAnswered(command, outcome);
      return;
    }
    const job: Job = {
      command,
      key: laneOf(command),
      term,
      attempt: command.attempt,
      origin,
      running: false,
      waitsFor: '',
      pointless: new AbortController(),
    };
    const limit = this.#options.queueLimit ?? 1024;
    if (this.waiting >= limit) {
      const error = new StreamSpaceError(
        'at_capacity',
        `${limit} commands wait at this agent: try later, or raise MAX_CONCURRENT_OPERATIONS`,
      );
      this.#options.log.warn({ command_id: command.id, waiting: limit }, 'Command refused: queue is full');
      origin.send({ type: 'result', command_id: command.id, attempt: command.attempt, error: error.toJSON() });
      this.#options.observer.onAnswered(command, { error: error.toJSON() });
      return;
    }
    this.#jobs.set(command.id, job);
    const lane = this.#lanes.get(job.key);
    if (lane !== undefined) {
      if (command.action === 'delete_session') abortStarts(lane);
      lane.push(job);
    } else {
      this.#lanes.set(job.key, [job]);
      this.#ready.push(job);
    }
    this.#startReady();
  }

  /** Starts no more commands. Resolves when the running ones have finished; or when the signal aborts, while they still run. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    if (this.#running === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const forget = whenAborted(signal, resolve);
      this.#onIdle.push(() => {
        forget();
        resolve();
      });
    });
  }

  /**
   * Aborts the running commands, forgets the waiting ones, answers none. Resolves when the driver has released everything, or `grace`
   * milliseconds later.
   */
  async abort(reason: StreamSpaceError, grace = 5_000): Promise<void> {
    this.#draining = true;
    this.#stop.abort(reason);
    const limit = scope();
    const timer = this.#options.clock.setTimeout(() => limit.end(), grace);
    await this.drain(limit.signal);
    timer.cancel();
  }

  #startReady(): void {
    while (this.#slots.free && !this.#draining) {
      const job = this.#ready.shift();
      if (job === undefined) return;
      this.#running++;
      this.#slots.take(job);
      job.running = true;
      // #run settles by itself and never rejects
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    const { clock, driver, log, observer, timeout } = this.#options;
    const { command } = job;
    const startedAt = clock.monotonic();
    log.debug({ command_id: command.id, action: command.action, trace_id: command.trace_id }, 'Command started');
    job.origin.send({ type: 'ack', command_id: command.id, attempt: job.attempt });
    let outcome: Outcome;
    let work: Promise<unknown> | undefined;
    const either = scope(this.#stop.signal, job.pointless.signal);
    try {
      observer.onStart(command);
      const slot: Slot = {
        leave: (reason) => {
          job.waitsFor = `: ${reason}`;
          this.#slots.leave(job);
        },
        regain: async (signal) => {
          job.waitsFor = '';
          await this.#slots.regain(job, signal);
        },
      };
      outcome = await withDeadline(clock, timeout, 'command', either.signal, (signal) => {
        const performed = perform(driver, command, { commandId: command.id, term: job.term, signal, slot });
        work = performed;
        return performed;
      });
    } catch (thrown) {
      const error =
        thrown instanceof DeadlineError && thrown.what === 'command'
          ? new StreamSpaceError(
              'command_timeout',
              `${command.action} took longer than ${timeout} ms (COMMAND_TIMEOUT)${job.waitsFor}`,
            )
          : asStreamSpaceError(thrown, 'driver_failed');
      outcome = { error: { ...error.toJSON(), message: error.message.slice(0, 4096) } };
    }
    either.end();
    // the start's remaining writes must not come after the delete
    if (job.pointless.signal.aborted && work !== undefined) await settledWithin(clock, ABORTED_MS, work);
    const seconds = (clock.monotonic() - startedAt) / 1000;
    if (!this.#stop.signal.aborted) {
      this.#outcomes.set(command.id, outcome);
      observer.onFinish(command, outcome, seconds);
      job.origin.send({ type: 'result', command_id: command.id, attempt: job.attempt, ...outcome });
      observer.onAnswered(command, outcome);
    }
    log.info(
      {
        command_id: command.id,
        action: command.action,
        trace_id: command.trace_id,
        seconds,
        code: outcome.error?.code,
        err: outcome.error?.message,
      },
      outcome.error === undefined ? 'Command completed' : 'Command failed',
    );
    this.#finished(job);
  }

  #finished(job: Job): void {
    this.#running--;
    this.#jobs.delete(job.command.id);
    const lane = this.#lanes.get(job.key)!;
    lane.shift();
    if (lane.length > 0) this.#ready.push(lane[0]!);
    else this.#lanes.delete(job.key);
    this.#slots.end(job);
    this.#startReady();
    if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

/** Aborts the starts of a session that is to be deleted. */
function abortStarts(lane: readonly Job[]): void {
  for (const { command, pointless } of lane) {
    if (STARTS.has(command.action))
      pointless.abort(new StreamSpaceError('command_aborted', 'The session is to be deleted'));
  }
}

async function settledWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  await withDeadline(clock, ms, 'end of an aborted operation', undefined, () => work).catch(() => undefined);
}
