import { cpus, totalmem } from 'node:os';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import {
  asStreamSpaceError,
  type Capacity,
  type SessionIsolation,
  type SessionSpec,
  type SessionStatus,
  StreamSpaceError,
  withoutProof,
} from '@streamspace/protocol';
import { iso, untilAborted } from 'clock-port';
import type { Operation, SessionDriver } from '../driver.ts';
import { Hosts } from './hosts.ts';
import { type Layout, layout, SESSION_ID } from './layout.ts';
import { Listing } from './listing.ts';
import { Neighbours } from './neighbours.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { BrokenRecord, SessionRecord } from './record.ts';
import { RecordStore } from './record-store.ts';
import { Removal } from './removal.ts';
import { SessionWatch } from './session-watch.ts';
import { checkSpec } from '../core/spec-check.ts';
import { settling } from '../core/settling.ts';
import { homeUnknown, unreadableReason } from '../core/stored-spec.ts';
import { connectSocket } from './socket.ts';
import { Starter } from './starter.ts';
import { unreadableStatus } from './status.ts';
import { existing, fence, isLive, isOf, living, type LiveRecord, mended, seen } from './transitions.ts';

/**
 * Sessions as processes of this machine (spec P5): one detached session host each, found again by its control socket.
 * They run as the agent's own user: CPU and memory limits are not enforced, only counted by the hub's placement. What stands
 * between sessions is a sandbox each, or nothing: see {@link Isolation}.
 *
 * What is wanted is in the record, changed by compare-and-set with the term; what runs follows from it. Every step can be
 * repeated, so a crash between two of them is healed by the next operation on the session, or by `list`.
 */
export function processDriver(options: ProcessDriverOptions): SessionDriver {
  return new ProcessDriver(options);
}

class ProcessDriver implements SessionDriver {
  readonly platform = 'process';
  readonly isolation: SessionIsolation;
  readonly #options: ProcessDriverOptions;
  readonly #layout: Layout;
  readonly #records: RecordStore;
  readonly #hosts: Hosts;
  readonly #starter: Starter;
  readonly #removal: Removal;
  readonly #listing: Listing;
  /** Operations going on, by session. */
  readonly #busy = new Map<string, number>();
  readonly #watches = new Set<SessionWatch>();

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.isolation = options.isolation.state;
    this.#layout = layout(options.stateDir, options.tmpDir);
    this.#records = new RecordStore((id) => this.#layout.session(id));
    this.#hosts = new Hosts(this.#layout, options);
    this.#starter = new Starter(this.#hosts, this.#records, new Neighbours(options.isolation, this.#layout), options);
    this.#removal = new Removal(this.#layout, this.#hosts, this.#records, options.step);
    this.#listing = new Listing({
      layout: this.#layout,
      records: this.#records,
      hosts: this.#hosts,
      removal: this.#removal,
      options,
      busy: (id) => this.#busy.has(id),
    });
  }

  capacity(): Promise<Capacity> {
    return Promise.resolve({ cpu: cpus().length, memory: totalmem(), max_sessions: this.#options.maxSessions });
  }

  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    return this.#operation(spec.id, operation, async () => {
      checkSpec(spec);
      const record = await this.#change(spec.id, operation, (current) => {
        if (!current || !isLive(current)) return { spec, desired: 'running', instance: (current?.instance ?? 0) + 1 };
        if (
          current.agent !== this.#options.agentId ||
          !isDeepStrictEqual(withoutProof(current.spec), withoutProof(spec))
        ) {
          throw new StreamSpaceError(
            'session_exists',
            `Session ${spec.id} exists with another spec: choose another id`,
          );
        }
        return current.desired === 'running' ? undefined : { desired: 'running', instance: current.instance + 1 };
      });
      return this.#starter.start(record as LiveRecord, operation);
    });
  }

  delete(sessionId: string, { deleteHome }: { deleteHome: boolean }, operation: Operation): Promise<void> {
    return this.#operation(sessionId, operation, async () => {
      const found = await this.#records.look(sessionId);
      if (found && !isOf(found, this.#options.agentId)) return;
      const broken = found && 'problem' in found;
      if (broken && found.specLost && deleteHome) throw homeUnknown(sessionId, found.problem);
      const starts = broken ? await this.#hosts.starts(sessionId) : [];
      const write = () =>
        this.#change(
          sessionId,
          operation,
          (current) =>
            // also of a session that is not there: a superseded leader may still be about to make it
            current?.desired === 'deleted' &&
            (current.done ? current.command_id === operation.commandId : current.delete_home || !deleteHome)
              ? undefined
              : { desired: 'deleted', ...(deleteHome && { delete_home: true }) },
          (unread) => mended(unread, this.#options.agentId, Math.max(unread.instance, ...starts)),
        );
      const record = await write().catch(async (error: unknown) => {
        if (asStreamSpaceError(error).code !== 'disk_full' || found === undefined || broken) throw error;
        // nobody could make room otherwise: what the record is to say is done first; a crash before it leaves the command to come again
        fence(found, operation);
        await this.#removal.clear({ ...found, delete_home: deleteHome }, operation.signal);
        return write();
      });
      if (record.done && record.command_id === operation.commandId) return;
      await this.#removal.finish(record, operation.signal);
    });
  }

  hibernate(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operation(sessionId, operation, async () => {
      const record = await this.#change(sessionId, operation, (current) => {
        const { desired } = existing(sessionId, this.#options.agentId, current);
        return desired === 'hibernated' ? undefined : { desired: 'hibernated' };
      });
      await this.#hosts.stopUpTo(sessionId, record.instance, operation.signal);
      await this.#options.step?.('host ended', sessionId);
      return { spec: (record as LiveRecord).spec, state: 'hibernated' };
    });
  }

  wake(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operation(sessionId, operation, async () => {
      const record = await this.#change(sessionId, operation, (current) => {
        const { desired, instance } = existing(sessionId, this.#options.agentId, current);
        return desired === 'running' ? undefined : { desired: 'running', instance: instance + 1 };
      });
      return this.#starter.start(record as LiveRecord, operation);
    });
  }

  prove(sessionId: string, proof: string, signal: AbortSignal): Promise<void> {
    return settling(signal, async () => {
      // none for a session that was never here: a record would be made
      if (!SESSION_ID.test(sessionId) || (await this.#records.read(sessionId)) === undefined) return;
      await this.#records.change(sessionId, (current) =>
        current?.spec === undefined || current.agent !== this.#options.agentId || current.spec.proof === proof
          ? current!
          : { ...current, spec: { ...current.spec, proof } },
      );
    });
  }

  list(signal: AbortSignal): Promise<SessionStatus[]> {
    return settling(signal, () => this.#listing.list(signal));
  }

  connect(sessionId: string, signal: AbortSignal): Promise<Duplex> {
    return settling(signal, async () => {
      const current = SESSION_ID.test(sessionId) ? await this.#records.look(sessionId) : undefined;
      if (current && 'problem' in current) {
        const why = unreadableReason(current.problem);
        throw new StreamSpaceError('session_not_running', `Session ${sessionId} is failed: ${why}`);
      }
      const record = existing(sessionId, this.#options.agentId, current);
      if (record.desired !== 'running') {
        throw new StreamSpaceError('session_not_running', `Session ${sessionId} is hibernated: wake it first`);
      }
      try {
        return await connectSocket(this.#layout.run(sessionId, record.instance).screen, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { state, reason } = await this.#listing.status(record, signal);
        if (state === 'running') {
          const message = `The screen of session ${sessionId} does not answer`;
          throw new StreamSpaceError('screen_unreachable', message, {}, { cause: error });
        }
        const why = reason ? `: ${reason}` : '';
        throw new StreamSpaceError('session_not_running', `Session ${sessionId} is ${state}${why}`);
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
          const record = await this.#records.look(id);
          if (record === undefined || 'problem' in record || record.desired !== 'running') return undefined;
          const connection = await this.#hosts.open(id, record.instance, signal);
          return connection === 'missing' || connection === 'dead' ? undefined : connection;
        },
        status: async (id) => {
          const record = await this.#records.look(id);
          if (record === undefined) return undefined;
          if ('problem' in record) return unreadableStatus(record);
          return isLive(record) ? this.#listing.status(record, signal) : undefined;
        },
      },
      onChange,
    );
    const aborted = untilAborted(signal);
    this.#watches.add(watch);
    try {
      for (const id of await this.#listing.wantedRunning()) {
        if (!this.#busy.has(id)) await watch.follow(id, 'running');
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
  #operation<T extends SessionStatus | void>(id: string, operation: Operation, work: () => Promise<T>): Promise<T> {
    return settling(operation.signal, async () => {
      if (!SESSION_ID.test(id)) {
        const message = `session id ${JSON.stringify(id)}: lower case letters, digits and dashes, at most 63`;
        throw new StreamSpaceError('invalid_request', message);
      }
      this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
      let after: SessionStatus['state'] | 'gone' | undefined;
      try {
        const status = await work();
        after = status ? status.state : 'gone';
        return status;
      } finally {
        const left = this.#busy.get(id)! - 1;
        if (left > 0) this.#busy.set(id, left);
        else {
          this.#busy.delete(id);
          for (const watch of this.#watches) void watch.follow(id, after).catch(() => {});
        }
      }
    });
  }

  /** Compare-and-set of the record under the operation's term. `decide` says what becomes different; undefined: nothing. */
  async #change(
    id: string,
    operation: Operation,
    decide: (current: SessionRecord | undefined) => Partial<SessionRecord> | undefined,
    mend?: (broken: BrokenRecord) => SessionRecord,
  ): Promise<SessionRecord> {
    const next = (current: SessionRecord | undefined): SessionRecord => {
      // a command that came later may have made it pointless
      operation.signal.throwIfAborted();
      fence(current, operation);
      const change = decide(current);
      if (!change && current) return seen(current, operation);
      return {
        desired: 'running',
        instance: 0,
        ...living(current),
        ...change,
        id,
        agent: this.#options.agentId,
        command_id: operation.commandId,
        term: operation.term,
        done: false,
        at: iso(this.#options.clock.now()),
      };
    };
    const record = await this.#records.change(id, next, mend);
    await this.#options.step?.('record written', id);
    return record;
  }
}
