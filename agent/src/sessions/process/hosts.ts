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

/** Time for a host to end on request: longer than its desktop has. */
const STOP_MS = 12_000;
/** Time for a killed process to disappear. */
const KILL_MS = 5_000;
/** Time for a live host to report its state. */
const ANSWER_MS = 2_000;

/** Longest quote of a log in an error, characters. */
const LAST_WORDS = 500;

/** The state of one start of a session. `unborn`: no host has had this start yet. */
export type HostReport =
  | HostState
  | { readonly state: 'unborn' }
  | { readonly state: 'silent' }
  | { readonly state: 'lost'; readonly reason: string };

/** The session hosts of this machine: starts, asks and stops them. */
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

  /** Refuses a start without a host: writes the reason where a failed host would write it. */
  async refuse(id: string, instance: number, reason: string): Promise<void> {
    const state: HostState = { instance, state: 'failed', reason: reason.slice(0, 4096) };
    await writeFile(join(this.#layout.session(id), statusFile(instance)), JSON.stringify(state), { mode: 0o600 });
  }

  /** Asks the host; if there is none, reads from its status file how it ended. */
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

  /** The end of the log of the session's hosts. */
  async lastWords(id: string): Promise<string> {
    const text = await readFile(join(this.#layout.session(id), 'host.log'), 'utf8').catch(() => '');
    return text.trim().slice(-LAST_WORDS);
  }

  /** Numbers of the session's starts that left a folder with sockets. */
  async starts(id: string): Promise<number[]> {
    const { folder } = this.#layout.run(id, 0);
    const prefix = basename(folder).slice(0, -1);
    const names = await readdir(dirname(folder)).catch(() => []);
    return names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)));
  }

  /** Ends every start of the session up to `instance`, and removes its files in the folder of sockets. */
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

  /** The report of a live host; undefined if it ended instead. */
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

  /** The connection is open, so the process lives and still owns the pid; its children end with it. */
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
