import type { V1Pod } from '@kubernetes/client-node';
import { type Capacity, type SessionSpec, type SessionStatus, type StreamSpaceError } from '@streamspace/protocol';
import type { Duplex } from 'node:stream';
import { ApiError } from 'kube-client';
import type { Operation } from '../driver.ts';
import { RecordDriver, type Running } from '../core/record-driver.ts';
import { beingDeleted, notRunning } from '../core/refusals.ts';
import { Bounds, capacityFor, type OwnUse } from './capacity.ts';
import type { Context } from './context.ts';
import { checkEnvironment, screenPort } from './objects/environment.ts';
import { ownSelector } from './objects/names.ts';
import { parseQuantity } from './objects/quantity.ts';
import { type ServiceDraft, type ServiceRecord, specOf } from './objects/record.ts';
import { housemateOf, removeHome } from './operations/home.ts';
import { withPatience } from './operations/patience.ts';
import { start } from './operations/start.ts';
import { readPod, removePod } from './operations/stop.ts';
import { PortForwarder } from './screens/port-forward.ts';
import { connectScreen } from './screens/screen.ts';
import { reasonFor } from './state/reason.ts';
import { refusalOf } from './state/refusal.ts';
import type { ServiceRecords } from './state/service-records.ts';
import { statusFor } from './state/status.ts';
import { isOf } from './state/view.ts';
import { DeletedTerms } from './watch/deleted-terms.ts';
import { watchSessions } from './watch/watch.ts';

/** Sessions as pods of one namespace (spec P1, §7). The record is in the session's Service; pod and home follow from it. */
export class KubernetesDriver extends RecordDriver<ServiceRecord, ServiceDraft> {
  readonly platform = 'kubernetes';
  protected readonly agentId: string;
  protected readonly records: ServiceRecords;
  readonly #context: Context;
  readonly #maxSessions: number;
  readonly #screens: 'direct' | 'port-forward';
  readonly #forwarder: PortForwarder;
  readonly #deleted = new DeletedTerms();
  readonly #bounds: Bounds;

  constructor(
    context: Context,
    options: { readonly maxSessions: number; readonly screens: 'direct' | 'port-forward' },
  ) {
    super();
    this.#context = context;
    this.agentId = context.config.agentId;
    this.records = context.records;
    this.#bounds = new Bounds(context.client, context.clock);
    this.#forwarder = new PortForwarder(context.client);
    this.#maxSessions = options.maxSessions;
    this.#screens = options.screens;
  }

  capacity(signal: AbortSignal): Promise<Capacity> {
    return this.settled(signal, async () => {
      const { config } = this.#context;
      const [{ quotas, nodes }, pods] = await Promise.all([this.#bounds.read(signal), this.#pods(signal)]);
      return capacityFor(quotas, nodes, useOf(pods), { ...config, maxSessions: this.#maxSessions });
    });
  }

  override async delete(id: string, options: { deleteHome: boolean }, operation: Operation): Promise<void> {
    await super.delete(id, options, operation);
    this.#deleted.note(id, operation.term);
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    await watchSessions(
      this.#context,
      this.operations,
      this.#deleted,
      onChange,
      (record, limit) => this.finishDelete(record, limit),
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

  protected override check(spec: SessionSpec): void {
    checkEnvironment(spec, this.#context.config);
  }

  /** With the cluster in sight. */
  protected override async during<T>(operation: Running, work: () => Promise<T>): Promise<T> {
    try {
      return await withPatience(this.#context, this.operations, operation, work);
    } finally {
      this.#context.pool.giveBack(operation.sessionId);
    }
  }

  protected override written(sessionId: string, made: boolean): Promise<void> {
    return this.#context.step(made ? 'record made' : 'record changed', sessionId);
  }

  protected override look(sessionId: string, signal: AbortSignal): Promise<ServiceRecord | undefined> {
    const { view } = this.#context;
    return view.live ? Promise.resolve(view.record(sessionId)) : super.look(sessionId, signal);
  }

  /** The spec that its pod has. */
  protected override async findSpec(record: ServiceRecord, signal: AbortSignal): Promise<SessionSpec | undefined> {
    const pod = this.#context.view.pod(record.id) ?? (await readPod(this.#context, record, signal));
    return pod && specOf(pod);
  }

  protected override meaning(error: unknown): StreamSpaceError | undefined {
    return error instanceof ApiError ? refusalOf(error, 'request') : undefined;
  }

  protected async start(found: ServiceRecord, operation: Operation): Promise<SessionStatus> {
    const record = await this.#afresh(found, operation);
    const { id, spec, reason } = record;
    if (record.phase === 'hibernated') return { spec, state: 'hibernated' };
    if (record.phase === 'running') return { spec, state: 'running', ...(reason !== '' && { reason }) };
    return start(this.#context, record, operation, (words) => {
      this.operations.tell(id, { spec, state: 'starting', reason: words });
    });
  }

  protected async stop(record: ServiceRecord, signal: AbortSignal): Promise<void> {
    await removePod(this.#context, record, { force: false }, signal);
  }

  protected async clear(record: ServiceRecord, signal: AbortSignal): Promise<void> {
    const { id, spec } = record;
    await removePod(this.#context, record, { force: true }, signal);
    // the record may name another one than it has
    for (const pod of ownedBy(record, this.#context.view.pods.all()))
      await removePod(this.#context, { id, pod }, { force: true }, signal);
    await this.#context.step('pod removed', id);
    if (record.deleteHome) await this.#removeHome(spec, signal);
  }

  /** By what its pods say of themselves. */
  protected override async clearUnrecorded(
    id: string,
    { deleteHome }: { deleteHome: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const pods = this.#context.view.pods.all().filter((pod) => isOf(pod, id));
    for (const { metadata } of pods)
      await removePod(this.#context, { id, pod: metadata!.name! }, { force: true }, signal);
    const spec = pods.map(specOf).find((each) => each !== undefined);
    if (deleteHome && spec !== undefined) await this.#removeHome(spec, signal);
  }

  protected async statuses(records: readonly ServiceRecord[], signal: AbortSignal): Promise<SessionStatus[]> {
    const podOf = new Map((await this.#pods(signal)).map((pod) => [pod.metadata?.name, pod]));
    return records.map((record) => statusFor(record, ownOf(record, podOf.get(record.pod))));
  }

  protected async open(record: ServiceRecord, signal: AbortSignal): Promise<Duplex> {
    const { view, config, clock } = this.#context;
    const pod = view.live ? view.pod(record.id) : await readPod(this.#context, record, signal);
    const status = statusFor(record, pod);
    if (status.state !== 'running' || pod === undefined) throw notRunning(record.id, status);
    return connectScreen(
      { pod, port: screenPort(record.spec, config) },
      this.#screens,
      { clock, forwarder: this.#forwarder },
      signal,
    );
  }

  /** What failed, or ended while its record says that it runs, is to be started again. */
  async #afresh(found: ServiceRecord, operation: Operation): Promise<ServiceRecord> {
    if (found.phase === 'creating' || found.phase === 'waking') return found;
    const pod = found.phase === 'failed' ? undefined : await readPod(this.#context, found, operation.signal);
    const dead = pod === undefined || reasonFor(pod).state === 'failed';
    if (!dead) return found;
    const record = await this.records.change(found.id, operation, ({ phase }) => {
      if (phase === 'deleting') throw beingDeleted(found.id);
      return phase === 'failed' || phase === 'running' ? { phase: 'waking' } : undefined;
    });
    await this.#context.step('record changed', found.id);
    return record;
  }

  /** The home goes with its last session: of several that are deleted together the last to be marked so finds no other. */
  async #removeHome(spec: SessionSpec, signal: AbortSignal): Promise<void> {
    const housemate = housemateOf(this.#context, spec);
    if (housemate === undefined) {
      await removeHome(this.#context, spec, signal);
      await this.#context.step('home removed', spec.id);
    } else this.#context.log.info({ session: spec.id, housemate }, 'Home kept: another session uses it');
  }

  async #pods(signal: AbortSignal): Promise<V1Pod[]> {
    const { client, config, view } = this.#context;
    if (view.live) return view.pods.all();
    return (await client.list<V1Pod>('pods', { labelSelector: ownSelector(config.agentId) }, signal)).items;
  }
}

const ownOf = ({ id }: ServiceRecord, pod: V1Pod | undefined): V1Pod | undefined =>
  pod !== undefined && isOf(pod, id) ? pod : undefined;

/** Names of the pods that the record's Service owns, other than the one that it names. */
const ownedBy = (record: ServiceRecord, pods: readonly V1Pod[]): string[] =>
  pods.flatMap(({ metadata }) =>
    metadata?.name !== undefined &&
    metadata.name !== record.pod &&
    metadata.ownerReferences?.some(({ uid }) => uid === record.uid) === true
      ? [metadata.name]
      : [],
  );

function useOf(pods: readonly V1Pod[]): OwnUse {
  const alive = pods.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
  const sum = (name: string) =>
    alive
      .flatMap(({ spec }) => spec?.containers ?? [])
      .reduce((total, { resources }) => total + parseQuantity(resources?.requests?.[name] ?? '0'), 0);
  return { pods: alive.length, cpu: sum('cpu'), memory: sum('memory') };
}
