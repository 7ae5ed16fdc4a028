import type { V1Service } from '@kubernetes/client-node';
import { type SessionSpec, StreamSpaceError, withoutProof } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import { isDeepStrictEqual } from 'node:util';
import type { Operation } from '../../driver.ts';
import type { KubeClient, KubeObject } from '../api/client.ts';
import { isStatus } from '../api/error.ts';
import { unreadable } from '../../core/stored-spec.ts';
import { ANNOTATIONS, sessionName } from '../objects/names.ts';
import { type Phase, recordOf, type SessionRecord, type StoredRecord } from '../objects/record.ts';
import { serviceFor } from '../objects/service.ts';
import type { SessionObjectsConfig } from '../options.ts';

/** Writers of one record are few: more conflicts in a row than this are a fault. */
const TRIES = 20;

/** What a change makes of a record. */
export interface RecordChange {
  readonly phase?: Phase;
  readonly reason?: string;
  readonly deleteHome?: boolean;
  readonly pod?: string;
  /** In place of one that can't be read. */
  readonly spec?: SessionSpec;
}

/** The records of sessions in their Services, changed by compare-and-set; no operation changes what a higher term has changed. */
export class RecordStore {
  readonly #client: KubeClient;
  readonly #config: SessionObjectsConfig;
  readonly #clock: Clock;
  readonly #learn: (service: V1Service) => void;

  /** `learn` is told of every write. */
  constructor(client: KubeClient, config: SessionObjectsConfig, clock: Clock, learn: (service: V1Service) => void) {
    this.#client = client;
    this.#config = config;
    this.#clock = clock;
    this.#learn = learn;
  }

  /** As it is now; undefined when there is none of this agent. */
  async read(sessionId: string, signal: AbortSignal): Promise<StoredRecord | undefined> {
    const record = await this.#readAny(sessionId, signal);
    // one that lost the label is found by its name only
    return record?.agent === this.#config.agentId || record?.agent === '' ? record : undefined;
  }

  /** Makes the record, with the name of the session's pod, or returns the one that is there; `made` tells which. Throws `session_exists` if that is of another spec or agent. */
  async create(spec: SessionSpec, pod: string, operation: Operation): Promise<{ record: StoredRecord; made: boolean }> {
    const { commandId, term, signal } = operation;
    const record = {
      spec,
      phase: 'creating',
      commandId,
      term,
      reason: '',
      deleteHome: false,
      pod,
      since: this.#now(),
    } as const;
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        const service = await this.#client.create('services', serviceFor(record, this.#config) as KubeObject, signal);
        return { record: this.#stored(service as V1Service), made: true };
      } catch (error) {
        if (!isStatus(error, 409, 'AlreadyExists')) throw error;
      }
      const current = await this.#readAny(spec.id, signal);
      if (current === undefined) continue; // deleted in between
      if (current.agent === this.#config.agentId) requireReadable(current);
      if (
        current.agent !== this.#config.agentId ||
        !isDeepStrictEqual(withoutProof(current.spec), withoutProof(spec))
      ) {
        throw new StreamSpaceError('session_exists', `Session ${spec.id} exists with another spec: choose another id`);
      }
      return { record: current, made: false };
    }
    throw new StreamSpaceError('conflict', `Session ${spec.id} is created and deleted by others all the time`);
  }

  /**
   * Changes the record in the operation's name. `decide` gets the current one and says what to change; undefined: nothing but
   * the term. Throws `superseded`, `not_found`, and for a record that can't be read `driver_failed`, unless it is to be changed `anyway`.
   */
  async change(
    sessionId: string,
    operation: Operation,
    decide: (current: StoredRecord) => RecordChange | undefined,
    { anyway = false }: { readonly anyway?: boolean } = {},
  ): Promise<StoredRecord> {
    for (let tries = 0; tries < TRIES; tries++) {
      const current = await this.read(sessionId, operation.signal);
      if (current === undefined) throw new StreamSpaceError('not_found', `There is no session ${sessionId} here`);
      fence(current, operation);
      if (!anyway) requireReadable(current);
      const change = decide(current);
      const term = Math.max(operation.term, current.term);
      if (change === undefined && term === current.term) return current;
      const next =
        change === undefined
          ? { ...this.#next(current, { reason: current.reason }), term }
          : { ...this.#next(current, change), commandId: operation.commandId, term };
      const written = await this.write(next, current, operation.signal);
      if (written !== undefined) return written;
    }
    throw new StreamSpaceError('conflict', `Session ${sessionId} is changed by others all the time`);
  }

  /** What the platform did by itself is written down, unless the record is no longer what was looked at. */
  note(current: StoredRecord, change: RecordChange, signal: AbortSignal): Promise<StoredRecord | undefined> {
    return this.write(this.#next(current, change), current, signal);
  }

  /** Keeps the hub's proof with the spec; a session that is not there is left alone. */
  async prove(sessionId: string, proof: string, signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const current = await this.read(sessionId, signal);
      // what can't be read, or holds more than this version knows, stays as it is [SES4]
      if (current === undefined || current.phase === 'unreadable' || current.kept?.[ANNOTATIONS.spec] !== undefined)
        return;
      if (current.spec.proof === proof) return;
      const next = this.#next(current, { spec: { ...current.spec, proof }, reason: current.reason });
      if ((await this.write(next, current, signal)) !== undefined) return;
    }
  }

  /** Compare-and-set; undefined when the record is not at `expected` any more. */
  async write(next: SessionRecord, expected: StoredRecord, signal: AbortSignal): Promise<StoredRecord | undefined> {
    const object = serviceFor(next, this.#config);
    Object.assign(object.metadata!, { uid: expected.uid, resourceVersion: expected.version });
    try {
      return this.#stored((await this.#client.apply('services', object as KubeObject, signal)) as V1Service);
    } catch (error) {
      if (isStatus(error, 409) || isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** Removes the record, unless somebody's command has changed it since. */
  async remove(record: StoredRecord, signal: AbortSignal): Promise<void> {
    let { version } = record;
    for (let tries = 0; tries < TRIES; tries++) {
      const preconditions = { uid: record.uid, resourceVersion: version };
      try {
        await this.#client.remove('services', sessionName(record.spec.id), { preconditions }, signal);
        return;
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
      }
      const current = await this.#readAny(record.spec.id, signal);
      const same = current?.uid === record.uid && current.phase === record.phase && current.term === record.term;
      if (!same || current.commandId !== record.commandId) return;
      // only touched: a label, an annotation of somebody else
      ({ version } = current);
    }
    throw new StreamSpaceError('conflict', `Session ${record.spec.id} is changed by others all the time`);
  }

  async #readAny(sessionId: string, signal: AbortSignal): Promise<StoredRecord | undefined> {
    try {
      const service = await this.#client.get('services', sessionName(sessionId), signal);
      if (service.metadata && 'deletionTimestamp' in service.metadata) return undefined;
      return recordOf(service as V1Service);
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  #next(current: StoredRecord, change: RecordChange): SessionRecord {
    const { reason = '', deleteHome = current.deleteHome, pod = current.pod, spec = current.spec } = change;
    const phase = change.phase ?? requireReadable(current).phase;
    const since = phase === current.phase ? current.since : this.#now();
    const kept = { ...current.kept };
    // what stands there for the spec is kept, unless that is replaced
    if (change.spec !== undefined) for (const key of [ANNOTATIONS.spec, ANNOTATIONS.user]) delete kept[key];
    return { ...current, spec, phase, reason, deleteHome, pod, since, kept };
  }

  #stored(service: V1Service): StoredRecord {
    this.#learn(service);
    const record = recordOf(service);
    if (record === undefined) throw new StreamSpaceError('internal', 'The API server changed a session’s record');
    return record;
  }

  #now(): string {
    return iso(this.#clock.now());
  }
}

/** Throws what is to be said of a record that can't be read. */
export function requireReadable(record: StoredRecord): StoredRecord & { readonly phase: Phase } {
  const { phase } = record;
  if (phase === 'unreadable') throw unreadable(record.spec.id, record.problem ?? '');
  return { ...record, phase };
}

/** Throws `superseded` when the operation's leader is not the last one. */
export function fence(current: StoredRecord, { term }: Operation): void {
  if (term >= current.term) return;
  throw new StreamSpaceError(
    'superseded',
    `Session ${current.spec.id} has been changed under term ${current.term}, this command is of term ${term}`,
    { term: current.term },
  );
}
