import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { type Capacity, type SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import type { Duplex } from 'node:stream';
import type { Operation, SessionDriver } from '../driver.ts';
import { ApiError } from './api/error.ts';
import { Bounds, capacityFor, type OwnUse } from './capacity.ts';
import type { Context } from './context.ts';
import { checkEnvironment, screenPort } from './objects/environment.ts';
import { ownSelector, sessionName } from './objects/names.ts';
import { parseQuantity } from './objects/quantity.ts';
import { recordOf, specOf, type StoredRecord } from './objects/record.ts';
import { housemateOf, removeHome } from './operations/home.ts';
import { withPatience } from './operations/patience.ts';
import { start } from './operations/start.ts';
import { readPod, removePod } from './operations/stop.ts';
import { PortForwarder } from './screens/port-forward.ts';
import { connectScreen } from './screens/screen.ts';
import { checkSpec } from '../core/spec-check.ts';
import { settling } from '../core/settling.ts';
import { homeUnknown } from '../core/stored-spec.ts';
import { fence } from './state/record-store.ts';
import { reasonFor } from './state/reason.ts';
import { refusalOf } from './state/refusal.ts';
import { statusFor } from './state/status.ts';
import { isOf } from './state/view.ts';
import { Busy } from '../core/busy.ts';
import { watchSessions } from './watch/watch.ts';

const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Sessions as pods of one namespace (spec P1, §7). What is wanted is in the record that the session's Service carries, changed by
 * compare-and-set with the term; pod and home follow from it. Every step can be repeated: what a crash leaves between two of them
 * is finished by the next operation on the session, or swept up while watching.
 */
export class KubernetesDriver implements SessionDriver {
  readonly platform = 'kubernetes';
  readonly #context: Context;
  readonly #maxSessions: number;
  readonly #screens: 'direct' | 'port-forward';
  readonly #forwarder: PortForwarder;
  readonly #busy = new Busy();
  /** Sessions that are to start, with their spec as far as it is known. */
  readonly #starting = new Map<string, SessionSpec | undefined>();
  readonly #bounds: Bounds;

  constructor(
    context: Context,
    options: { readonly maxSessions: number; readonly screens: 'direct' | 'port-forward' },
  ) {
    this.#context = context;
    this.#bounds = new Bounds(context.client, context.clock);
    this.#forwarder = new PortForwarder(context.client);
    this.#maxSessions = options.maxSessions;
    this.#screens = options.screens;
  }

  capacity(signal: AbortSignal): Promise<Capacity> {
    return settled(signal, async () => {
      const { config } = this.#context;
      const [{ quotas, nodes }, pods] = await Promise.all([this.#bounds.read(signal), this.#pods(signal)]);
      return capacityFor(quotas, nodes, useOf(pods), { ...config, maxSessions: this.#maxSessions });
    });
  }

  create(spec: SessionSpec, operation: Operation): Promise<SessionStatus> {
    return this.#starts(spec.id, spec, operation, async () => {
      checkSpec(spec);
      const { records, step, pool, config } = this.#context;
      checkEnvironment(spec, config);
      const warm = pool.take(spec);
      try {
        const created = await records.create(spec, warm ?? sessionName(spec.id), operation);
        await step('record made', spec.id);
        return await (created.made
          ? this.#start(created.record, operation)
          : this.#resume(created.record, operation, 'creating'));
      } finally {
        if (warm !== undefined) pool.giveBack(warm);
      }
    });
  }

  wake(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#starts(sessionId, undefined, operation, async () => {
      const record = await this.#context.records.read(sessionId, operation.signal);
      if (record === undefined) throw notFound(sessionId);
      return this.#resume(record, operation, 'waking');
    });
  }

  hibernate(sessionId: string, operation: Operation): Promise<SessionStatus> {
    return this.#operation(sessionId, operation, async () => {
      const { records, step } = this.#context;
      const record = await records.change(sessionId, operation, (current) => {
        if (current.phase === 'deleting') throw deleting(sessionId);
        return current.phase === 'hibernated' ? undefined : { phase: 'hibernated' };
      });
      await step('record changed', sessionId);
      await removePod(this.#context, record, { force: false }, operation.signal);
      return { spec: record.spec, state: 'hibernated' };
    });
  }

  async delete(sessionId: string, options: { deleteHome: boolean }, operation: Operation): Promise<void> {
    await this.#operation(sessionId, operation, async () => {
      const { records, step } = this.#context;
      const current = await records.read(sessionId, operation.signal);
      if (current === undefined) return;
      fence(current, operation);
      const spec = options.deleteHome ? await this.#specForHome(current, operation.signal) : undefined;
      let record: StoredRecord;
      try {
        const change = { phase: 'deleting', deleteHome: options.deleteHome, ...(spec && { spec }) } as const;
        record = await records.change(
          sessionId,
          operation,
          ({ phase, deleteHome }) => (phase === 'deleting' && (deleteHome || !options.deleteHome) ? undefined : change),
          { anyway: true },
        );
      } catch (error) {
        if (error instanceof StreamSpaceError && error.code === 'not_found') return;
        throw error;
      }
      await step('record changed', sessionId);
      await this.#finishDelete(record, operation.signal);
    });
    this.#busy.deleted(sessionId, operation.term);
  }

  prove(sessionId: string, proof: string, signal: AbortSignal): Promise<void> {
    return settled(signal, () => this.#context.records.prove(sessionId, proof, signal));
  }

  list(signal: AbortSignal): Promise<SessionStatus[]> {
    return settled(signal, async () => {
      const query = { labelSelector: ownSelector(this.#context.config.agentId) };
      const [services, pods] = await Promise.all([
        this.#context.client.list<V1Service>('services', query, signal),
        this.#pods(signal),
      ]);
      const podOf = new Map(pods.map((pod) => [pod.metadata?.name, pod]));
      return services.items
        .flatMap((service) => {
          const record = recordOf(service);
          return (record && statusFor(record, ownOf(record, podOf.get(record.pod)))) ?? [];
        })
        .sort((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
    });
  }

  connect(sessionId: string, signal: AbortSignal): Promise<Duplex> {
    return settled(signal, async () => {
      const { records, view, config, clock } = this.#context;
      const live = view.live;
      const record = live ? view.record(sessionId) : await this.#read(() => records.read(sessionId, signal), sessionId);
      if (record === undefined || record.phase === 'deleting') throw notFound(sessionId);
      const pod = live ? view.pod(sessionId) : await readPod(this.#context, record, signal);
      const status = statusFor(record, pod);
      if (status?.state !== 'running' || pod === undefined) {
        const what =
          status?.state === 'hibernated' ? 'hibernated: wake it first' : `${status?.state}: ${status?.reason ?? ''}`;
        throw new StreamSpaceError('session_not_running', `Session ${sessionId} is ${what}`);
      }
      return connectScreen(
        { pod, port: screenPort(record.spec, config) },
        this.#screens,
        { clock, forwarder: this.#forwarder },
        signal,
      );
    });
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    await watchSessions(
      this.#context,
      this.#busy,
      onChange,
      (record, limit) => this.#finishDelete(record, limit),
      signal,
    );
  }

  get trouble(): string | undefined {
    return this.#context.client.troubles.current;
  }

  onTrouble(listener: () => void): () => void {
    return this.#context.client.troubles.onChange(listener);
  }

  /** Requests made to the API server so far. */
  get requests(): number {
    return this.#context.client.requests;
  }

  /** Ends every connection to the API server. */
  close(): Promise<void> {
    return this.#context.client.connection.close();
  }

  /** An operation after which the session is to run. */
  async #starts(
    id: string,
    spec: SessionSpec | undefined,
    operation: Operation,
    work: () => Promise<SessionStatus>,
  ): Promise<SessionStatus> {
    this.#starting.set(id, spec);
    try {
      return await this.#operation(id, operation, work);
    } finally {
      this.#starting.delete(id);
    }
  }

  /** One change of a session: within its signal, with the cluster in sight, and known to the watch as our own doing. */
  #operation<T extends SessionStatus | void>(id: string, operation: Operation, work: () => Promise<T>): Promise<T> {
    return settled(operation.signal, async () => {
      if (!ID.test(id)) {
        throw new StreamSpaceError(
          'invalid_request',
          `session id ${JSON.stringify(id)}: lower case letters, digits and dashes, at most 63`,
        );
      }
      const spec = () =>
        this.#starting.has(id) ? (this.#starting.get(id) ?? this.#context.view.record(id)?.spec) : undefined;
      return this.#busy.during(id, () => withPatience(this.#context, this.#busy, operation, spec, work));
    });
  }

  /** What a start finds there already is joined, what ended is started again. */
  async #resume(found: StoredRecord, operation: Operation, phase: 'creating' | 'waking'): Promise<SessionStatus> {
    const { records, step } = this.#context;
    const sessionId = found.spec.id;
    const pod = await readPod(this.#context, found, operation.signal);
    const dead = pod === undefined || reasonFor(pod).state === 'failed';
    const record = await records.change(sessionId, operation, (current) => {
      if (current.phase === 'deleting') throw deleting(sessionId);
      if (current.phase === 'creating' || current.phase === 'waking') return undefined;
      if (current.phase === 'hibernated') return phase === 'creating' ? undefined : { phase: 'waking' };
      return current.phase === 'failed' || dead ? { phase: 'waking' } : undefined;
    });
    await step('record changed', sessionId);
    // a create that comes again after the session was put to sleep is an old one
    if (record.phase === 'hibernated') return { spec: record.spec, state: 'hibernated' };
    const { spec, reason } = record;
    if (record.phase === 'running') return { spec, state: 'running', ...(reason !== '' && { reason }) };
    return this.#start(record, operation);
  }

  #start(record: StoredRecord, operation: Operation): Promise<SessionStatus> {
    const { id } = record.spec;
    return start(this.#context, record, operation, (reason) => {
      this.#busy.tell(id, { spec: record.spec, state: 'starting', reason });
    });
  }

  /** What is left to do once the record says `deleting`; the record goes last. */
  async #finishDelete(record: StoredRecord, signal: AbortSignal): Promise<void> {
    const { spec } = record;
    const { step, records } = this.#context;
    await removePod(this.#context, record, { force: true }, signal);
    // the record may name another one than it has
    for (const pod of ownedBy(record, this.#context.view.pods.all()))
      await removePod(this.#context, { spec, pod }, { force: true }, signal);
    await step('pod removed', spec.id);
    if (record.deleteHome) await this.#removeHome(spec, signal);
    await records.remove(record, signal);
  }

  /** The home goes with its last session: of several that are deleted together the last to be marked so finds no other. */
  async #removeHome(spec: SessionSpec, signal: AbortSignal): Promise<void> {
    const housemate = housemateOf(this.#context, spec);
    if (housemate === undefined) {
      await removeHome(this.#context, spec, signal);
      await this.#context.step('home removed', spec.id);
    } else this.#context.log.info({ session: spec.id, housemate }, 'Home is kept: another session lives in it');
  }

  /** The spec that its pod has, for a record whose own is lost; undefined: the record's will do. Throws `conflict` when nothing tells. */
  async #specForHome(record: StoredRecord, signal: AbortSignal): Promise<SessionSpec | undefined> {
    if (record.specLost !== true) return undefined;
    const pod = this.#context.view.pod(record.spec.id) ?? (await readPod(this.#context, record, signal));
    const spec = pod && specOf(pod);
    if (spec === undefined) throw homeUnknown(record.spec.id, record.problem ?? '');
    return spec;
  }

  async #pods(signal: AbortSignal): Promise<V1Pod[]> {
    const { client, config, view } = this.#context;
    if (view.live) return view.pods.all();
    return (await client.list<V1Pod>('pods', { labelSelector: ownSelector(config.agentId) }, signal)).items;
  }

  #read<T>(read: () => Promise<T>, sessionId: string): Promise<T | undefined> {
    return ID.test(sessionId) ? read() : Promise.resolve(undefined);
  }
}

const settled = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  settling(signal, work, (error) => (error instanceof ApiError ? refusalOf(error, 'request') : undefined));

const ownOf = (record: StoredRecord, pod: V1Pod | undefined): V1Pod | undefined =>
  pod !== undefined && isOf(pod, record.spec.id) ? pod : undefined;

/** Names of the pods that the record's Service owns, other than the one that it names. */
const ownedBy = (record: StoredRecord, pods: readonly V1Pod[]): string[] =>
  pods.flatMap(({ metadata }) =>
    metadata?.name !== undefined &&
    metadata.name !== record.pod &&
    metadata.ownerReferences?.some(({ uid }) => uid === record.uid) === true
      ? [metadata.name]
      : [],
  );

const notFound = (id: string) => new StreamSpaceError('not_found', `There is no session ${id} here`);
const deleting = (id: string) => new StreamSpaceError('conflict', `Session ${id} is being deleted`);

function useOf(pods: readonly V1Pod[]): OwnUse {
  const alive = pods.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  const sum = (name: string) =>
    alive
      .flatMap(({ spec }) => spec?.containers ?? [])
      .reduce((total, { resources }) => total + parseQuantity(resources?.requests?.[name] ?? '0'), 0);
  return { pods: alive.length, cpu: sum('cpu'), memory: sum('memory') };
}
