import { createConnection } from 'node:net';
import { readdir, rename, rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { type Capacity, SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { iso, parseIso } from 'clock-port';
import { Compile } from 'typebox/compile';
import type { Operation, SessionDriver } from '../driver.ts';
import { Hosts } from './hosts.ts';
import { type Layout, layout } from './layout.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { SessionRecord } from './record.ts';
import { RecordStore } from './record-store.ts';
import { SessionWatch } from './session-watch.ts';
import { settling } from './settling.ts';

/** A deleted session's record goes after this long: no superseded leader's command is older. */
const TOMBSTONE_MS = 3_600_000;
/** Sessions looked at together by `list`. */
const LOOK_AT_ONCE = 16;
const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const specCheck = Compile(SessionSpec);

type RunningRecord = SessionRecord & { readonly spec: SessionSpec };

/**
 * Sessions as processes of this machine (spec P5): one detached session host each, found again by its control socket.
 * Their CPU and memory limits are not enforced here, only counted by the hub's placement; who needs walls takes another driver.
 *
 * What is wanted is in the record, changed by compare-and-set with the term; what runs follows from it. Every step can be
 * repeated, so a crash between two of them is healed by the next operation on the session, or by `list`.
 */
export function processDriver(options: ProcessDriverOptions): SessionDriver {
  return new ProcessDriver(options);
}

class ProcessDriver implements SessionDriver {
  readonly platform = 'process';
  readonly #options: ProcessDriverOptions;
  readonly #layout: Layout;
  readonly #records: RecordStore;
  readonly #hosts: Hosts;
  /** Operations going on, by session. */
  readonly #busy = new Map<string, number>();
  readonly #watches = new Set<SessionWatch>();

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#layout = layout(options.stateDir, options.tmpDir);
    this.#records = new RecordStore((id) => this.#layout.session(id));
    this.#hosts = new Hosts(this.#layout, options);
  }

  capacity(): Promise<Capacity> {
    const { cpu, memory } = this.#options.overcommit ?? { cpu: 4, memory: 2 };
    return Promise.resolve({
      cpu: cpus().length * cpu,
      memory: totalmem() * memory,
      max_sessions: this.#options.maxSessions,
    });
  }

  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    return this.#operation(spec.id, operation, async () => {
      if (!specCheck.Check(spec))
        throw new StreamSpaceError(
          'invalid_request',
          `spec: ${specCheck.Errors(spec)[0]?.message ?? 'not a session spec'}`,
        );
      const record = await this.#records.change(spec.id, (current) => {
        this.#fence(current, operation);
        if (current && current.desired !== 'deleted') {
          if (current.agent !== this.#options.agentId || !isDeepStrictEqual(current.spec, spec)) {
            throw new StreamSpaceError(
              'session_exists',
              `Session ${spec.id} exists with another spec: choose another id`,
            );
          }
          if (current.desired === 'running') return this.#seen(current, operation);
        }
        return this.#next(current, operation, {
          id: spec.id,
          spec,
          desired: 'running',
          instance: (current?.instance ?? 0) + 1,
        });
      });
      await this.#options.step?.('record written', spec.id);
      return this.#start(record as RunningRecord, operation);
    });
  }

  delete(sessionId: string, options: { deleteHome: boolean }, operation: Operation): Promise<void> {
    return this.#operation(sessionId, operation, async () => {
      const record = await this.#records.change(sessionId, (current) => {
        this.#fence(current, operation);
        if (current && current.agent !== this.#options.agentId) return current;
        if (current?.desired === 'deleted') return this.#seen(current, operation);
        // also of a session that is not there: a superseded leader may still be about to make it
        return this.#next(current, operation, { id: sessionId, desired: 'deleted' });
      });
      await this.#options.step?.('record written', sessionId);
      if (record.desired !== 'deleted') return undefined; // another agent's
      if (record.done && record.command_id === operation.commandId) return undefined;
      await this.#clear(record, options.deleteHome, operation.signal);
      await this.#records.change(sessionId, (current) =>
        current && isDeepStrictEqual(current, record) ? { ...current, done: true } : current!,
      );
      return undefined;
    }).then(() => undefined);
  }

  hibernate(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operation(sessionId, operation, async () => {
      const record = await this.#records.change(sessionId, (current) => {
        this.#fence(current, operation);
        const there = this.#existing(sessionId, current);
        if (there.desired === 'hibernated') return this.#seen(there, operation);
        return this.#next(there, operation, { id: there.id, desired: 'hibernated' });
      });
      await this.#options.step?.('record written', sessionId);
      await this.#hosts.stopUpTo(sessionId, record.instance, operation.signal);
      await this.#options.step?.('host ended', sessionId);
      return { spec: (record as RunningRecord).spec, state: 'hibernated' };
    });
  }

  wake(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operation(sessionId, operation, async () => {
      const record = await this.#records.change(sessionId, (current) => {
        this.#fence(current, operation);
        const there = this.#existing(sessionId, current);
        if (there.desired === 'running') return this.#seen(there, operation);
        return this.#next(there, operation, { id: there.id, desired: 'running', instance: there.instance + 1 });
      });
      await this.#options.step?.('record written', sessionId);
      return this.#start(record as RunningRecord, operation);
    });
  }

  list(signal: AbortSignal): Promise<SessionStatus[]> {
    return settling(signal, async () => {
      const ids = await this.#ids();
      const found: SessionStatus[] = [];
      const look = async () => {
        for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
          const status = await this.#lookAt(id, signal);
          if (status) found.push(status);
        }
      };
      await Promise.all(Array.from({ length: LOOK_AT_ONCE }, look));
      return found.sort((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
    });
  }

  connect(sessionId: string, signal: AbortSignal): Promise<Duplex> {
    return settling(signal, async () => {
      const record = this.#existing(sessionId, ID.test(sessionId) ? await this.#records.read(sessionId) : undefined);
      if (record.desired !== 'running')
        throw new StreamSpaceError('session_not_running', `Session ${sessionId} is hibernated: wake it first`);
      try {
        return await connectSocket(this.#layout.run(sessionId, record.instance).screen, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { state, reason } = await this.#status(record, signal);
        if (state === 'running')
          throw new StreamSpaceError(
            'screen_unreachable',
            `The screen of session ${sessionId} does not answer`,
            {},
            { cause: error },
          );
        throw new StreamSpaceError(
          'session_not_running',
          `Session ${sessionId} is ${state}${reason ? `: ${reason}` : ''}`,
        );
      }
    });
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const watch = new SessionWatch(
      {
        busy: (id) => this.#busy.has(id),
        open: async (id) => {
          const record = await this.#records.read(id);
          if (record?.desired !== 'running') return undefined;
          const connection = await this.#hosts.open(id, record.instance, signal);
          return connection === 'missing' || connection === 'dead' ? undefined : connection;
        },
        status: async (id) => {
          const record = await this.#records.read(id);
          return record && record.desired !== 'deleted' ? this.#status(record as RunningRecord, signal) : undefined;
        },
      },
      onChange,
    );
    this.#watches.add(watch);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      for (const id of await this.#ids()) {
        const record = await this.#records.read(id).catch(() => undefined);
        if (record?.agent === this.#options.agentId && record.desired === 'running' && !this.#busy.has(id))
          await watch.follow(id, 'running');
      }
      await aborted;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#watches.delete(watch);
      watch.close();
    }
  }

  /** One change of a session: within its signal, and known to the watches as our own doing. */
  #operation<T extends SessionStatus | undefined>(
    id: string,
    operation: Operation,
    work: () => Promise<T>,
  ): Promise<T> {
    return settling(operation.signal, async () => {
      if (!ID.test(id))
        throw new StreamSpaceError(
          'invalid_request',
          `session id ${JSON.stringify(id)}: lower case letters, digits and dashes, at most 63`,
        );
      this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
      let after: SessionStatus['state'] | 'gone' = 'failed';
      try {
        const status = await work();
        after = status?.state ?? 'gone';
        return status;
      } finally {
        const left = this.#busy.get(id)! - 1;
        if (left === 0) this.#busy.delete(id);
        else this.#busy.set(id, left);
        if (left === 0) for (const watch of this.#watches) void watch.follow(id, after).catch(() => {});
      }
    });
  }

  #fence(current: SessionRecord | undefined, { term }: Operation): void {
    if (current && term < current.term) {
      throw new StreamSpaceError(
        'superseded',
        `Session ${current.id} has been changed under term ${current.term}, this command is of term ${term}`,
        { term: current.term },
      );
    }
  }

  #existing(id: string, current: SessionRecord | undefined): RunningRecord {
    if (!current?.spec || current.desired === 'deleted' || current.agent !== this.#options.agentId) {
      throw new StreamSpaceError('not_found', `There is no session ${id} here`);
    }
    return current as RunningRecord;
  }

  /** The record as it is, with the operation's term. */
  #seen(current: SessionRecord, { term }: Operation): SessionRecord {
    return term > current.term ? { ...current, term } : current;
  }

  #next(
    current: SessionRecord | undefined,
    { commandId, term }: Operation,
    change: Partial<SessionRecord> & Pick<SessionRecord, 'id' | 'desired'>,
  ): SessionRecord {
    return {
      ...current,
      agent: this.#options.agentId,
      instance: current?.instance ?? 0,
      ...change,
      command_id: commandId,
      term,
      done: false,
      at: iso(this.#options.clock.now()),
    };
  }

  /** Brings the start that the record wants to life, or joins whoever is doing so. */
  async #start(wanted: RunningRecord, operation: Operation): Promise<SessionStatus> {
    const { signal } = operation;
    const { id } = wanted;
    let record = wanted;
    for (let launched = 0; ;) {
      await this.#hosts.stopUpTo(id, record.instance - 1, signal);
      await this.#hosts.forgetBefore(id, record.instance);
      let report = await this.#hosts.report(id, record.instance, signal);
      if (report.state === 'unborn') {
        launched = record.instance;
        await this.#hosts.launch(id, record.instance, signal);
        await this.#options.step?.('host bound', id);
        report = await this.#hosts.report(id, record.instance, signal);
      }
      if (report.state === 'starting' || report.state === 'silent' || report.state === 'stopping')
        report = await this.#settled(id, record.instance, signal);
      if (report.state === 'running') return { spec: record.spec, state: 'running' };

      // it is dead: by somebody's newer wish, or it died
      record = await this.#stillWanted(record, operation);
      if (launched === record.instance) throw new StreamSpaceError('driver_failed', this.#why(report));
      const dead = record;
      record = (await this.#records.change(id, (current) => {
        if (!current || !isDeepStrictEqual(current, dead)) return current ?? dead;
        return { ...dead, instance: dead.instance + 1, at: iso(this.#options.clock.now()) };
      })) as RunningRecord;
      record = await this.#stillWanted(record, operation);
    }
  }

  /** Waits until a live host has made up its mind. */
  async #settled(id: string, instance: number, signal: AbortSignal) {
    const connection = await this.#hosts.open(id, instance, signal);
    if (connection !== 'missing' && connection !== 'dead') {
      try {
        await connection.until((state) => state?.state === 'running', signal);
      } finally {
        connection.close();
      }
    }
    return this.#hosts.report(id, instance, signal);
  }

  async #stillWanted(record: RunningRecord, operation: Operation): Promise<RunningRecord> {
    const current = await this.#records.read(record.id);
    this.#fence(current, operation);
    const there = this.#existing(record.id, current);
    if (there.desired !== 'running')
      throw new StreamSpaceError('conflict', `Session ${record.id} was hibernated while it started`);
    return there;
  }

  #why(report: { readonly state: string; readonly reason?: string }): string {
    return report.reason || "Its session host did not start: see host.log in the session's folder";
  }

  /** Removes everything of a deleted session but its record. */
  async #clear(record: SessionRecord, deleteHome: boolean, signal: AbortSignal): Promise<void> {
    const { id, spec } = record;
    await this.#hosts.stopUpTo(id, record.instance, signal);
    await this.#options.step?.('host ended', id);
    if (spec && deleteHome) {
      await this.#removeHome(spec);
      await this.#options.step?.('home removed', id);
    }
    await this.#hosts.forgetBefore(id, record.instance + 1);
    const folder = this.#layout.session(id);
    for (const name of await readdir(folder).catch(() => [])) {
      if (!/^session\.\d+\.json$|\.tmp$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
    await this.#options.step?.('files removed', id);
  }

  /** Removes a home unless another session has it: away in one step, then at leisure. */
  async #removeHome(spec: SessionSpec): Promise<void> {
    const home = this.#layout.home(spec.user, spec.template);
    for (const id of await this.#ids()) {
      const other = await this.#records.read(id);
      if (
        id !== spec.id &&
        other?.spec &&
        other.desired !== 'deleted' &&
        this.#layout.home(other.spec.user, other.spec.template) === home
      )
        return;
    }
    const away = join(this.#layout.homes, `.removed-${spec.id}`);
    await rm(away, { recursive: true, force: true });
    await rename(home, away).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(away, { recursive: true, force: true });
  }

  async #ids(): Promise<string[]> {
    const names = await readdir(this.#layout.sessions).catch(() => []);
    return names.filter((name) => ID.test(name));
  }

  /** A session for `list`; what a crash left of one that should not run is ended on the way. */
  async #lookAt(id: string, signal: AbortSignal): Promise<SessionStatus | undefined> {
    let record: SessionRecord | undefined;
    try {
      record = await this.#records.read(id);
    } catch (error) {
      this.#options.log.warn({ session: id, err: error }, 'session record unreadable');
      return undefined;
    }
    if (!record || record.agent !== this.#options.agentId) return undefined;
    if (record.desired !== 'running' && !this.#busy.has(id)) await this.#hosts.stopUpTo(id, record.instance, signal);
    if (record.desired === 'deleted') {
      const old = this.#options.clock.now() - parseIso(record.at) > TOMBSTONE_MS;
      if (old && !this.#busy.has(id)) {
        await this.#clear(record, false, signal);
        await this.#records.forget(id, record);
      }
      return undefined;
    }
    return this.#status(record as RunningRecord, signal);
  }

  async #status(record: RunningRecord, signal: AbortSignal): Promise<SessionStatus> {
    const { spec } = record;
    if (record.desired === 'hibernated') return { spec, state: 'hibernated' };
    const report = await this.#hosts.report(record.id, record.instance, signal);
    if (report.state === 'running') return { spec, state: 'running' };
    if (report.state === 'starting' || report.state === 'stopping' || this.#busy.has(record.id))
      return { spec, state: 'starting' };
    if (report.state === 'silent') return { spec, state: 'starting', reason: 'Its session host does not answer yet' };
    if (report.state === 'unborn')
      return { spec, state: 'failed', reason: 'It was never started: the agent ended before that' };
    return { spec, state: 'failed', reason: report.reason || 'It was stopped from outside' };
  }
}

function connectSocket(path: string, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const onError = (error: Error) => {
      done();
      reject(error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      done();
      resolve(socket);
    });
  });
}
