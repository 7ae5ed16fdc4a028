import type { V1Service } from '@kubernetes/client-node';
import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import { isStatus, type KubeClient, type KubeObject } from 'kube-client';
import type { Operation } from '../../driver.ts';
import { checkReadable, type Desired, type RecordChange } from '../../core/record.ts';
import { changeRecord, type RecordStore } from '../../core/record-store.ts';
import { changedAlways, notFound } from '../../core/refusals.ts';
import { ANNOTATIONS, ownSelector, sessionName } from '../objects/names.ts';
import { type Phase, recordOf, type ServiceDraft, type ServiceRecord } from '../objects/record.ts';
import { serviceFor } from '../objects/service.ts';
import type { SessionObjectsConfig } from '../objects/settings.ts';

/** Most tries to remove a record that others change at the same time: more conflicts in a row are a fault. */
const TRIES = 20;

/** A change of a record; absent fields stay as they are, except the reason. */
export interface ServiceChange extends Omit<RecordChange, 'desired'> {
  readonly phase?: Phase;
  readonly reason?: string;
  readonly pod?: string;
}

const PHASES: Readonly<Record<Desired, Phase>> = { running: 'waking', hibernated: 'hibernated', deleted: 'deleting' };

export interface ServiceRecordsParts {
  readonly client: KubeClient;
  readonly config: SessionObjectsConfig;
  readonly clock: Clock;
  /** Called with the result of every write. */
  readonly learn: (service: V1Service) => void;
  /** Name of the pod for a new session. */
  readonly podFor: (spec: SessionSpec) => string;
}

/** The records of sessions in their Services, with compare-and-set by `resourceVersion`. */
export class ServiceRecords implements RecordStore<ServiceRecord, ServiceDraft> {
  // names are unique, and a deleted session leaves no record
  readonly exclusive = true;
  readonly tombstones = false;
  readonly #parts: ServiceRecordsParts;

  constructor(parts: ServiceRecordsParts) {
    this.#parts = parts;
  }

  async read(sessionId: string, signal: AbortSignal): Promise<ServiceRecord | undefined> {
    try {
      const service = await this.#parts.client.get('services', sessionName(sessionId), signal);
      if (service.metadata && 'deletionTimestamp' in service.metadata) return undefined;
      return recordOf(service as V1Service);
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async list(signal: AbortSignal): Promise<ServiceRecord[]> {
    const { client, config } = this.#parts;
    const query = { labelSelector: ownSelector(config.agentId) };
    const { items } = await client.list<V1Service & KubeObject>('services', query, signal);
    return items.flatMap((service) => recordOf(service) ?? []);
  }

  draft(_id: string, current: ServiceRecord | undefined, { desired, ...change }: RecordChange): ServiceDraft {
    if (current !== undefined)
      return this.next(current, {
        ...change,
        ...(desired === undefined ? { reason: current.reason } : { phase: PHASES[desired] }),
      });
    const spec = change.spec!;
    return this.first(spec, this.#parts.podFor(spec), change);
  }

  /** The first record of a session. */
  first(spec: SessionSpec, pod: string, { commandId = '', term = 0 }: RecordChange): ServiceDraft {
    return { spec, phase: 'creating', commandId, term, reason: '', deleteHome: false, pod, since: this.#now() };
  }

  /** The record after a change that only this platform knows. */
  next(current: ServiceRecord, change: ServiceChange): ServiceDraft {
    const { phase = phaseOf(current), spec = current.spec, reason = '', ...rest } = change;
    const since = phase === current.phase ? current.since : this.#now();
    const kept = { ...current.kept };
    // the stored text of the spec is kept, unless the spec is replaced
    if (change.spec !== undefined) for (const key of [ANNOTATIONS.spec, ANNOTATIONS.user]) delete kept[key];
    return { ...current, ...rest, spec, phase, reason, since, kept };
  }

  /** Changes the record of an existing session on behalf of the operation. */
  async change(
    sessionId: string,
    operation: Operation,
    decide: (current: ServiceRecord) => ServiceChange | undefined,
  ): Promise<ServiceRecord> {
    const { commandId, term } = operation;
    const draft = (current: ServiceRecord | undefined) => {
      if (current === undefined) throw notFound(sessionId);
      const change = decide(current);
      return change && this.next(current, { ...change, commandId, term });
    };
    const { agentId } = this.#parts.config;
    return (await changeRecord(this, sessionId, operation, draft, { agentId }))!;
  }

  /** Records a change that the platform made by itself, unless the record has changed since `current` was read. */
  note(current: ServiceRecord, change: ServiceChange, signal: AbortSignal): Promise<ServiceRecord | undefined> {
    return this.write(this.next(current, change), current, signal);
  }

  async write(
    next: ServiceDraft,
    expected: ServiceRecord | undefined,
    signal: AbortSignal,
  ): Promise<ServiceRecord | undefined> {
    const { client, config } = this.#parts;
    const object = serviceFor(next, config) as KubeObject;
    try {
      if (expected === undefined) return this.#stored(await client.create('services', object, signal));
      Object.assign(object.metadata!, { uid: expected.uid, resourceVersion: expected.version });
      return this.#stored(await client.apply('services', object, signal));
    } catch (error) {
      const overtaken = expected === undefined ? isStatus(error, 409, 'AlreadyExists') : isStatus(error, 409);
      if (overtaken || (expected !== undefined && isStatus(error, 404))) return undefined;
      throw error;
    }
  }

  async remove(record: ServiceRecord, signal: AbortSignal): Promise<void> {
    const { id, uid } = record;
    let { version } = record;
    for (let tries = 0; tries < TRIES; tries++) {
      const preconditions = { uid, resourceVersion: version };
      try {
        await this.#parts.client.remove('services', sessionName(id), { preconditions }, signal);
        return;
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
      }
      const current = await this.read(id, signal);
      const same = current?.uid === uid && current.phase === record.phase && current.term === record.term;
      if (!same || current.commandId !== record.commandId) return;
      // an unrelated change: a label or an annotation of another program
      ({ version } = current);
    }
    throw changedAlways(id);
  }

  #stored(service: KubeObject): ServiceRecord {
    this.#parts.learn(service as V1Service);
    const record = recordOf(service as V1Service);
    if (record === undefined) throw new StreamSpaceError('internal', 'The API server changed a session’s record');
    return record;
  }

  #now(): string {
    return iso(this.#parts.clock.now());
  }
}

function phaseOf(record: ServiceRecord): Phase {
  if (record.phase === 'unreadable') checkReadable(record);
  return record.phase as Phase;
}
