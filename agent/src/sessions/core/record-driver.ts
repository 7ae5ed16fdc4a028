import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import {
  asStreamSpaceError,
  type Capacity,
  type Platform,
  type SessionSpec,
  type SessionStatus,
  type StreamSpaceError,
  withoutProof,
} from '@streamspace/protocol';
import type { Operation, SessionDriver } from '../driver.ts';
import { Operations } from './operations.ts';
import { fence, isLive, isOwn, type Live, type RecordChange, type SessionRecord } from './record.ts';
import { changeRecord, type RecordStore } from './record-store.ts';
import { beingDeleted, notFound, notRunning, sessionExists } from './refusals.ts';
import { checkSessionId, SESSION_ID } from './session-id.ts';
import { settling } from './settling.ts';
import { checkSpec } from './spec-check.ts';
import { homeUnknown, unreadableReason } from './stored-spec.ts';

/** An operation as the driver executes it. */
export interface Running extends Operation {
  readonly sessionId: string;
  /** Whether the session is to run afterwards. */
  readonly starts: boolean;
  /** The requested spec, for a create. */
  readonly spec?: SessionSpec;
}

/**
 * A driver with a record as its source of truth. The record holds the desired state of a session and changes by compare-and-set under the
 * operation's term; the running objects follow the record. Every step can be repeated: the next operation on the session, a listing, or a watch
 * finishes the work that a crash interrupted. A platform adds its steps and its record store.
 */
export abstract class RecordDriver<Stored extends SessionRecord, Draft> implements SessionDriver {
  abstract readonly platform: Platform;
  protected abstract readonly agentId: string;
  protected abstract readonly records: RecordStore<Stored, Draft>;
  protected readonly operations = new Operations();

  abstract capacity(signal: AbortSignal): Promise<Capacity>;
  abstract watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void>;

  /** Starts a session whose record wants it to run, or joins a start in progress; resolves when its screen can be reached. */
  protected abstract start(record: Live<Stored>, operation: Operation): Promise<SessionStatus>;

  /** Ends the running parts of the session; resolves when they have ended. */
  protected abstract stop(record: Live<Stored>, signal: AbortSignal): Promise<void>;

  /**
   * Removes everything of a deleted session except its record: the running parts, by force if necessary; with `deleteHome` also its home,
   * unless another session uses it.
   */
  protected abstract clear(record: Stored, signal: AbortSignal): Promise<void>;

  /**
   * As `clear`, for a session without a record: the record was lost, or a superseded leader is late. Nothing to do where deleted sessions keep
   * records.
   */
  protected clearUnrecorded(_id: string, _options: { deleteHome: boolean }, _signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  /** The statuses of all sessions of this agent, in any order; none for a session that is gone. */
  protected abstract statuses(signal: AbortSignal): Promise<SessionStatus[]>;

  /** A connection to the screen of a session whose record wants it to run. */
  protected abstract open(record: Live<Stored>, signal: AbortSignal): Promise<Duplex>;

  /** Throws `invalid_request` for a spec that this platform can't run. */
  protected check(_spec: SessionSpec): void {}

  /** Wraps each operation. */
  protected during<T>(_operation: Running, work: () => Promise<T>): Promise<T> {
    return work();
  }

  /** Called after an operation has written its desired state. `made`: the record is new. */
  protected written(_sessionId: string, _made: boolean): Promise<void> | void {}

  /** The record for serving a screen: may be slightly out of date. */
  protected look(sessionId: string, signal: AbortSignal): Promise<Stored | undefined> {
    return this.records.read(sessionId, signal);
  }

  /** Another source for the spec of a session whose record has lost it; undefined: there is none. */
  protected findSpec(_record: Stored, _signal: AbortSignal): Promise<SessionSpec | undefined> {
    return Promise.resolve(undefined);
  }

  /** The platform's own errors as errors for the hub; undefined for all other errors. */
  protected meaning(_error: unknown): StreamSpaceError | undefined {
    return undefined;
  }

  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    const { id } = spec;
    return this.#operate({ ...operation, sessionId: id, starts: true, spec }, async () => {
      checkSpec(spec);
      this.check(spec);
      const another = sessionExists(id);
      const decide = (current: Stored | undefined): RecordChange | undefined => {
        if (current === undefined || current.done === true) return { desired: 'running', spec, deleteHome: false };
        if (current.spec !== undefined && !isDeepStrictEqual(withoutProof(current.spec), withoutProof(spec)))
          throw another;
        if (!isLive(current)) throw beingDeleted(id);
        return undefined;
      };
      const options = { another, blind: this.records.exclusive };
      const record = (await this.#change(id, operation, decide, options)) as Live<Stored>;
      // a create that is redelivered after the session was put to sleep is outdated
      if (record.desired === 'hibernated') return { spec: record.spec, state: 'hibernated' };
      return this.start(record, operation);
    });
  }

  wake(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operate({ ...operation, sessionId, starts: true }, async () => {
      const record = await this.#change(sessionId, operation, (current) =>
        live(sessionId, current).desired === 'running' ? undefined : { desired: 'running' },
      );
      return this.start(record as Live<Stored>, operation);
    });
  }

  hibernate(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operate({ ...operation, sessionId, starts: false }, async () => {
      const record = (await this.#change(sessionId, operation, (current) =>
        live(sessionId, current).desired === 'hibernated' ? undefined : { desired: 'hibernated' },
      )) as Live<Stored>;
      await this.stop(record, operation.signal);
      return { spec: record.spec, state: 'hibernated' };
    });
  }

  delete(sessionId: string, { deleteHome }: { deleteHome: boolean }, operation: Operation): Promise<void> {
    const { signal, commandId } = operation;
    return this.#operate({ ...operation, sessionId, starts: false }, async () => {
      const found = await this.records.read(sessionId, signal);
      if (found !== undefined && !isOwn(found, this.agentId)) return;
      if (found !== undefined) fence(found, operation);
      const spec = deleteHome && found?.specLost === true ? await this.#specForHome(found, signal) : undefined;
      const decide = (current: Stored | undefined): RecordChange | undefined => {
        // also for a session that does not exist: a superseded leader may still be about to make it
        if (current === undefined && !this.records.tombstones) return undefined;
        const done =
          current?.done === true ? current.commandId === commandId : (current?.deleteHome ?? false) || !deleteHome;
        return current?.desired === 'deleted' && done
          ? undefined
          : { desired: 'deleted', deleteHome, ...(spec && { spec }) };
      };
      const write = () => this.#change(sessionId, operation, decide, { anyway: true });
      const record = await write().catch(async (error: unknown) => {
        if (asStreamSpaceError(error).code !== 'disk_full' || found === undefined || found.problem !== undefined)
          throw error;
        // the disk is full, and only this removal makes room: it comes before the record; after a crash in between, the command is redelivered
        await this.clear({ ...found, desired: 'deleted', deleteHome }, signal);
        return write();
      });
      if (record === undefined) await this.clearUnrecorded(sessionId, { deleteHome }, signal);
      else if (record.done !== true) await this.finishDelete(record, signal);
    });
  }

  prove(sessionId: string, proof: string, signal: AbortSignal): Promise<void> {
    return this.settled(signal, async () => {
      if (!SESSION_ID.test(sessionId)) return;
      for (;;) {
        const current = await this.records.read(sessionId, signal);
        if (current === undefined || !isOwn(current, this.agentId) || !isLive(current)) return;
        // a record that can't be read, or with fields that this version does not know, stays as it is [SES4]
        if (current.problem !== undefined || current.newer === true || current.spec.proof === proof) return;
        const next = this.records.draft(sessionId, current, { spec: { ...current.spec, proof } });
        if ((await this.records.write(next, current, signal)) !== undefined) return;
        signal.throwIfAborted();
      }
    });
  }

  list(signal: AbortSignal): Promise<SessionStatus[]> {
    return this.settled(signal, async () => {
      const found = await this.statuses(signal);
      return found.sort((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
    });
  }

  connect(sessionId: string, signal: AbortSignal): Promise<Duplex> {
    return this.settled(signal, async () => {
      const record = SESSION_ID.test(sessionId) ? await this.look(sessionId, signal) : undefined;
      if (record === undefined || !isOwn(record, this.agentId) || !isLive(record)) throw notFound(sessionId);
      if (record.problem !== undefined)
        throw notRunning(sessionId, { state: 'failed', reason: unreadableReason(record.problem) });
      if (record.desired === 'hibernated') throw notRunning(sessionId, { state: 'hibernated' });
      return this.open(record, signal);
    });
  }

  /** The remaining work once the record says `deleted`; removes the record last. */
  protected async finishDelete(record: Stored, signal: AbortSignal): Promise<void> {
    await this.clear(record, signal);
    await this.records.remove(record, signal);
  }

  protected settled<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return settling(signal, work, (error) => this.meaning(error));
  }

  /** One change of a session: bounded by its signal, and marked for the watches as the driver's own. */
  #operate<T extends SessionStatus | void>(operation: Running, work: () => Promise<T>): Promise<T> {
    const { sessionId, signal } = operation;
    return this.settled(signal, () => {
      checkSessionId(sessionId);
      return this.operations.during(sessionId, () => this.during(operation, work));
    });
  }

  async #change(
    sessionId: string,
    operation: Operation,
    decide: (current: Stored | undefined) => RecordChange | undefined,
    options: { readonly anyway?: boolean; readonly blind?: boolean; readonly another?: StreamSpaceError } = {},
  ): Promise<Stored | undefined> {
    const { commandId, term } = operation;
    let made = false;
    const draft = (current: Stored | undefined): Draft | undefined => {
      const change = decide(current);
      made = change !== undefined && current === undefined;
      return change && this.records.draft(sessionId, current, { ...change, commandId, term });
    };
    const record = await changeRecord(this.records, sessionId, operation, draft, { agentId: this.agentId, ...options });
    if (record !== undefined) await this.written(sessionId, made);
    return record;
  }

  async #specForHome(record: Stored, signal: AbortSignal): Promise<SessionSpec> {
    const spec = await this.findSpec(record, signal);
    if (spec === undefined) throw homeUnknown(record.id, record.problem ?? '');
    return spec;
  }
}

/** The record if its session exists. Throws `not_found`, or `conflict` for a session that is being deleted. */
function live<R extends SessionRecord>(sessionId: string, record: R | undefined): Live<R> {
  if (record === undefined || record.done === true) throw notFound(sessionId);
  if (!isLive(record)) throw beingDeleted(sessionId);
  return record;
}
