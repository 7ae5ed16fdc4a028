import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeadlineError, withDeadline } from 'clock-port';
import { StreamSpaceError } from '@streamspace/protocol';
import { HostConnection } from './host-connection.ts';
import { launchHost } from './host-launcher.ts';
import { type HostState, parseState, statusFile } from './host-messages.ts';
import type { Layout } from './layout.ts';
import type { ProcessDriverOptions } from './options.ts';
import { endStragglers } from './stragglers.ts';

/** How long a host may take to end when asked, longer than it gives its desktop. */
const STOP_MS = 12_000;
/** How long a killed process may take to be gone. */
const KILL_MS = 5_000;
/** How long a live host may take to say its state. */
const ANSWER_MS = 2_000;

/** How much of a log an error quotes, characters. */
const LAST_WORDS = 500;

/** How one start of a session is doing. `unborn`: no host has had it yet. */
export type HostReport =
  | HostState
  | { readonly state: 'unborn' }
  | { readonly state: 'silent' }
  | { readonly state: 'lost'; readonly reason: string };

/** The session hosts of this machine: start, ask, stop. */
export class Hosts {
  readonly #layout: Layout;
  readonly #options: ProcessDriverOptions;

  constructor(layout: Layout, options: ProcessDriverOptions) {
    this.#layout = layout;
    this.#options = options;
  }

  open(id: string, instance: number, signal: AbortSignal): Promise<HostConnection | 'missing' | 'dead'> {
    return HostConnection.open(this.#layout.run(id, instance).control, signal);
  }

  async launch(id: string, instance: number, signal: AbortSignal): Promise<void> {
    const { hostCommand, stateDir, tmpDir, desktop = 'auto', env, isolation, secret = [] } = this.#options;
    const sandbox =
      isolation.bwrap === undefined ? {} : { sandbox: { bwrap: isolation.bwrap, secret: [stateDir, ...secret] } };
    await launchHost(
      hostCommand,
      { id, instance, state_dir: stateDir, tmp_dir: tmpDir, desktop, ...sandbox },
      this.#layout.session(id),
      env,
      signal,
    );
  }

  /** A start that no host is made for: leaves the reason as a host would that failed. */
  async refuse(id: string, instance: number, reason: string): Promise<void> {
    const state: HostState = { instance, state: 'failed', reason: reason.slice(0, 4096) };
    await writeFile(join(this.#layout.session(id), statusFile(instance)), JSON.stringify(state), { mode: 0o600 });
  }

  /** Asks the host; when there is none, its status file says how it ended. */
  async report(id: string, instance: number, signal: AbortSignal): Promise<HostReport> {
    const connection = await this.open(id, instance, signal);
    if (connection !== 'missing' && connection !== 'dead') {
      const report = await this.#ask(connection, signal);
      if (report) return report;
    }
    const last = await this.#lastState(id, instance);
    if (last?.state === 'failed' || last?.state === 'ended') return last;
    if (connection === 'missing' && !last) return { state: 'unborn' };
    return {
      state: 'lost',
      reason: 'Its processes ended without a report: they were killed, or the machine was restarted',
    };
  }

  /** The end of what the session's hosts wrote to their log. */
  async lastWords(id: string): Promise<string> {
    const text = await readFile(join(this.#layout.session(id), 'host.log'), 'utf8').catch(() => '');
    return text.trim().slice(-LAST_WORDS);
  }

  /** Numbers of the session's starts that left a folder of sockets. */
  async starts(id: string): Promise<number[]> {
    const { folder } = this.#layout.run(id, 0);
    const prefix = basename(folder).slice(0, -1);
    const names = await readdir(dirname(folder)).catch(() => []);
    return names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)));
  }

  /** Ends every start of the session up to `instance`, and what it left in the folder of sockets. */
  async stopUpTo(id: string, instance: number, signal: AbortSignal): Promise<void> {
    for (const start of await this.starts(id)) {
      if (start <= instance) await this.#stop(id, start, signal);
    }
  }

  /** Removes the status files of starts before `instance`. */
  async forgetBefore(id: string, instance: number): Promise<void> {
    const folder = this.#layout.session(id);
    for (const name of await readdir(folder).catch(() => [])) {
      const start = /^host\.(\d+)\.json/.exec(name)?.[1];
      if (start !== undefined && Number(start) < instance) await rm(join(folder, name), { force: true });
    }
  }

  /** What a live host says; undefined when it ended instead. */
  async #ask(connection: HostConnection, signal: AbortSignal): Promise<HostReport | undefined> {
    try {
      await withDeadline(this.#options.clock, ANSWER_MS, 'session host', signal, (limit) =>
        connection.until((state) => state !== undefined, limit),
      );
      return connection.state;
    } catch (error) {
      if (error instanceof DeadlineError) return { state: 'silent' };
      throw error;
    } finally {
      connection.close();
    }
  }

  async #stop(id: string, instance: number, signal: AbortSignal): Promise<void> {
    const connection = await this.open(id, instance, signal);
    if (connection !== 'missing' && connection !== 'dead') {
      try {
        connection.stop();
        await this.#untilClosed(connection, this.#options.stopMs ?? STOP_MS, signal).catch(async (error: unknown) => {
          if (!(error instanceof DeadlineError)) throw error;
          await this.#kill(id, instance, connection, signal);
        });
      } finally {
        connection.close();
      }
    }
    const left = await endStragglers(id, instance, this.#options.kill, this.#options.clock);
    if (left > 0)
      throw new StreamSpaceError('driver_failed', `${left} processes of session ${id} do not end when killed`);
    await rm(this.#layout.run(id, instance).folder, { recursive: true, force: true });
  }

  #untilClosed(connection: HostConnection, ms: number, signal: AbortSignal): Promise<void> {
    return withDeadline(this.#options.clock, ms, 'end of a session host', signal, (limit) =>
      connection.until(() => false, limit),
    );
  }

  /** Its connection is open, so the process lives and the number is still its own; its children end with it. */
  async #kill(id: string, instance: number, connection: HostConnection, signal: AbortSignal): Promise<void> {
    const pid = connection.state?.pid ?? (await this.#lastState(id, instance))?.pid;
    if (pid === undefined)
      throw new StreamSpaceError('driver_failed', `Session ${id} does not end, and its process is unknown`);
    this.#options.log.warn({ session: id, pid }, 'session host does not end, killing it');
    this.#options.kill(pid, 'SIGKILL');
    await this.#untilClosed(connection, KILL_MS, signal);
  }

  async #lastState(id: string, instance: number): Promise<HostState | undefined> {
    const text = await readFile(join(this.#layout.session(id), statusFile(instance)), 'utf8').catch(() => '');
    return parseState(text);
  }
}
