import type { V1Pod } from '@kubernetes/client-node';
import type { Capacity, SessionSpec, SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import type { Duplex } from 'node:stream';
import { ApiError, Connection, KubeClient } from 'kube-client';
import type { Operation } from '../driver.ts';
import { RecordDriver, type Running } from '../core/record-driver.ts';
import { beingDeleted, notRunning } from '../core/refusals.ts';
import { Bounds, capacityFor, useOf } from './capacity.ts';
import { checkEnvironment, screenPort } from '../core/environment.ts';
import { ownSelector, sessionName } from './objects/names.ts';
import { type ServiceDraft, type ServiceRecord, specOf } from './objects/record.ts';
import { Homes } from './operations/homes.ts';
import { withPatience } from './operations/patience.ts';
import { PodStart } from './operations/pod-start.ts';
import { Readiness } from './operations/readiness.ts';
import { SessionPods } from './operations/session-pods.ts';
import { SessionStart } from './operations/session-start.ts';
import type { OnStep } from './operations/on-step.ts';
import { type KubernetesDriverOptions, PROGRAM } from './options.ts';
import { PortForwarder } from './screens/port-forward.ts';
import { connectScreen } from './screens/screen.ts';
import { reasonFor } from './state/reason.ts';
import { refusalOf } from './state/refusal.ts';
import { ServiceRecords } from './state/service-records.ts';
import { statusFor } from './state/status.ts';
import { isOf, View } from './state/view.ts';
import { WarmPool } from './warm/pool.ts';
import { DeletedTerms } from './watch/deleted-terms.ts';
import { watchSessions, type WatchParts } from './watch/watch.ts';

/** Sessions as pods of one namespace (spec P1, §7). A session's record is in its Service; its pod and home follow from the record. */
export class KubernetesDriver extends RecordDriver<ServiceRecord, ServiceDraft> {
  readonly platform = 'kubernetes';
  protected readonly agentId: string;
  protected readonly records: ServiceRecords;
  readonly #options: KubernetesDriverOptions;
  readonly #client: KubeClient;
  readonly #view: View;
  readonly #pods: SessionPods;
  readonly #homes: Homes;
  readonly #pool: WarmPool;
  readonly #start: SessionStart;
  readonly #watch: WatchParts;
  readonly #bounds: Bounds;
  readonly #forwarder: PortForwarder;
  readonly #deleted = new DeletedTerms();
  readonly #step: OnStep;

  constructor(options: KubernetesDriverOptions) {
    super();
    const { kubeConfig, namespace, agentId, clock, log, startDeadline, leaseUntil, maxSessions } = options;
    this.#options = options;
    this.agentId = agentId;
    this.#step = options.step ?? (() => {});
    const client = new KubeClient(new Connection(kubeConfig, clock, PROGRAM), namespace, clock, leaseUntil);
    const view = new View(client, agentId, clock, log);
    const basis = { client, view, config: options, clock, log, startDeadline };
    const pool = new WarmPool({ ...basis, templates: options.warm ?? [], maxSessions });
    const pods = new SessionPods(basis);
    const homes = new Homes(basis);
    const records = new ServiceRecords({
      ...basis,
      learn: (service) => view.services.learn(service),
      podFor: (spec) => pool.take(spec) ?? sessionName(spec.id),
    });
    const parts = { ...basis, records, pods, homes, pool };
    this.records = records;
    this.#client = client;
    this.#view = view;
    this.#pods = pods;
    this.#homes = homes;
    this.#pool = pool;
    this.#start = new SessionStart({
      ...parts,
      podStart: new PodStart(parts),
      readiness: new Readiness(parts),
      trouble: () => this.trouble,
      step: this.#step,
    });
    this.#watch = {
      ...parts,
      operations: this.operations,
      deleted: this.#deleted,
      finishDelete: (record, signal) => this.finishDelete(record, signal),
    };
    this.#bounds = new Bounds(client, clock);
    this.#forwarder = new PortForwarder(client);
  }

  capacity(signal: AbortSignal): Promise<Capacity> {
    return this.settled(signal, async () => {
      const [{ quotas, nodes }, pods] = await Promise.all([this.#bounds.read(signal), this.#allPods(signal)]);
      return capacityFor(quotas, nodes, useOf(pods), this.#options);
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
    await watchSessions(this.#watch, onChange, signal);
  }

  get trouble(): string | undefined {
    return this.#client.troubles.current;
  }

  onTrouble(listener: () => void): () => void {
    return this.#client.troubles.onChange(listener);
  }

  /** Number of requests made to the API server so far. */
  get requests(): number {
    return this.#client.requests;
  }

  /** Closes every connection to the API server. */
  close(): Promise<void> {
    return this.#client.connection.close();
  }

  protected override check(spec: SessionSpec): void {
    checkEnvironment(spec, this.#options);
  }

  /** Keeps the cluster in view during the operation. */
  protected override async during<T>(operation: Running, work: () => Promise<T>): Promise<T> {
    try {
      const { clock } = this.#options;
      const parts = { client: this.#client, view: this.#view, clock, operations: this.operations };
      return await withPatience(parts, operation, work);
    } finally {
      this.#pool.giveBack(operation.sessionId);
    }
  }

  protected override written(sessionId: string, made: boolean): Promise<void> | void {
    return this.#step(made ? 'record made' : 'record changed', sessionId);
  }

  protected override look(sessionId: string, signal: AbortSignal): Promise<ServiceRecord | undefined> {
    return this.#view.live ? Promise.resolve(this.#view.record(sessionId)) : super.look(sessionId, signal);
  }

  /** The spec that the session's pod carries. */
  protected override async findSpec(record: ServiceRecord, signal: AbortSignal): Promise<SessionSpec | undefined> {
    const pod = this.#view.pod(record.id) ?? (await this.#pods.read(record, signal));
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
    return this.#start.run(record, operation, (words) => {
      this.operations.tell(id, { spec, state: 'starting', reason: words });
    });
  }

  protected async stop(record: ServiceRecord, signal: AbortSignal): Promise<void> {
    await this.#pods.remove(record, { force: false }, signal);
  }

  protected async clear(record: ServiceRecord, signal: AbortSignal): Promise<void> {
    const { id, spec } = record;
    await this.#pods.remove(record, { force: true }, signal);
    // the session may have other pods than the one that its record names
    for (const pod of ownedBy(record, this.#view.pods.all()))
      await this.#pods.remove({ id, pod }, { force: true }, signal);
    await this.#step('pod removed', id);
    if (record.deleteHome) await this.#removeHome(spec, signal);
  }

  /** Takes the pods and the spec from the pods' own metadata. */
  protected override async clearUnrecorded(
    id: string,
    { deleteHome }: { deleteHome: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const pods = this.#view.pods.all().filter((pod) => isOf(pod, id));
    for (const { metadata } of pods) await this.#pods.remove({ id, pod: metadata!.name! }, { force: true }, signal);
    const spec = pods.map(specOf).find((each) => each !== undefined);
    if (deleteHome && spec !== undefined) await this.#removeHome(spec, signal);
  }

  protected async statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    const records = await this.records.list(signal);
    const podOf = new Map((await this.#allPods(signal)).map((pod) => [pod.metadata?.name, pod]));
    return records.map((record) => statusFor(record, ownOf(record, podOf.get(record.pod))));
  }

  protected async open(record: ServiceRecord, signal: AbortSignal): Promise<Duplex> {
    const view = this.#view;
    const { screens, clock } = this.#options;
    const pod = view.live ? view.pod(record.id) : await this.#pods.read(record, signal);
    const status = statusFor(record, pod);
    if (status.state !== 'running' || pod === undefined) throw notRunning(record.id, status);
    return connectScreen(
      { pod, port: screenPort(record.spec, this.#options) },
      screens,
      { clock, forwarder: this.#forwarder },
      signal,
    );
  }

  /** A session that failed, or that ended while its record says `running`, starts again. */
  async #afresh(found: ServiceRecord, operation: Operation): Promise<ServiceRecord> {
    if (found.phase === 'creating' || found.phase === 'waking') return found;
    const pod = found.phase === 'failed' ? undefined : await this.#pods.read(found, operation.signal);
    const dead = pod === undefined || reasonFor(pod).state === 'failed';
    if (!dead) return found;
    const record = await this.records.change(found.id, operation, ({ phase }) => {
      if (phase === 'deleting') throw beingDeleted(found.id);
      return phase === 'failed' || phase === 'running' ? { phase: 'waking' } : undefined;
    });
    await this.#step('record changed', found.id);
    return record;
  }

  /** The home goes with its last session: of several sessions that are deleted together, the one marked last finds no other. */
  async #removeHome(spec: SessionSpec, signal: AbortSignal): Promise<void> {
    const housemate = this.#homes.housemateOf(spec);
    if (housemate === undefined) {
      await this.#homes.remove(spec, signal);
      await this.#step('home removed', spec.id);
    } else this.#options.log.info({ session: spec.id, housemate }, 'Home kept: another session uses it');
  }

  async #allPods(signal: AbortSignal): Promise<V1Pod[]> {
    if (this.#view.live) return this.#view.pods.all();
    return (await this.#client.list<V1Pod>('pods', { labelSelector: ownSelector(this.agentId) }, signal)).items;
  }
}

const ownOf = ({ id }: ServiceRecord, pod: V1Pod | undefined): V1Pod | undefined =>
  pod !== undefined && isOf(pod, id) ? pod : undefined;

/** Names of the pods that the record's Service owns, except the pod that the record names. */
const ownedBy = (record: ServiceRecord, pods: readonly V1Pod[]): string[] =>
  pods.flatMap(({ metadata }) =>
    metadata?.name !== undefined &&
    metadata.name !== record.pod &&
    metadata.ownerReferences?.some(({ uid }) => uid === record.uid) === true
      ? [metadata.name]
      : [],
  );
