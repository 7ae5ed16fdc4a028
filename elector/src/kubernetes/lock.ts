import type { KubeConfig } from '@kubernetes/client-node';
import { type Clock, untilAborted } from 'clock-port';
import { type Call, Connection, type KubeObject } from 'kube-client';
import { ConflictError, type Candidate, type LeaseRecord, type LeaseState, type Lock } from '../lock.ts';
import type { LeaseEvent } from './events.ts';
import { podEvidence, podIdentity, podOf, type Pod } from './holder.ts';
import { leaseRecordOf, withRecord, type Lease, type OwnerReference } from './lease.ts';
import { Lives } from './lives.ts';
import { type Sighting, watchOne } from './one-object.ts';
import { lockErrorOf, refusedStatus } from './refusal.ts';

export interface KubernetesLockOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  readonly namespace: string;
  /** The Lease's name. Derive it from a value that the replicas share, never from a pod's name. */
  readonly name: string;
  /** Owner of the Lease that this lock creates (the Deployment): Kubernetes removes the Lease with it. */
  readonly owner?: OwnerReference;
  /** Labels of the Lease that this lock creates. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Use the kubelet's report about the holder's pod: needs `get`, `list`, `watch` on pods. Default true. */
  readonly watchHolderPod?: boolean;
  /** The container that runs the elector, in pods with several containers. */
  readonly container?: string;
  /** Selects the pods of all replicas, e.g. `app=agent`, so that candidates can be listed. */
  readonly podSelector?: string;
}

/** The user agent, and the source of events. */
const COMPONENT = 'lease-elector';
/** Number of versions whose metadata are kept for updates. */
const KEPT_LEASES = 8;
/** After this many consecutive lists older than the known revision, the store counts as restored from a backup. */
const MAX_OLD_LISTS = 3;

/**
 * A `coordination.k8s.io/v1` Lease, in the format of client-go's electors, plus the term. Every write is conditional on the resource version.
 * With identities from {@link podIdentity}, the other replicas can use the kubelet's report.
 */
export class KubernetesLock implements Lock {
  readonly name: string;
  readonly #options: KubernetesLockOptions;
  readonly #connection: Connection;
  readonly #path: string;
  readonly #leases = new Map<string, Lease>();
  readonly #lives = new Lives();
  /** The newest known revision; a watch may lag behind this process's own writes. */
  #newest = 0n;

  constructor(options: KubernetesLockOptions) {
    this.name = `${options.namespace}/${options.name}`;
    this.#options = options;
    this.#connection = new Connection(options.config, options.clock, COMPONENT);
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(options.namespace)}/leases`;
  }

  /** Closes idle connections. */
  close(): void {
    void this.#connection.close();
  }

  async read(signal: AbortSignal): Promise<LeaseState | undefined> {
    try {
      const lease = await this.#call<Lease>({ method: 'GET', path: this.#itemPath }, signal);
      this.#newest = revisionOf(lease.metadata.resourceVersion);
      return this.#remember(lease);
    } catch (error) {
      if (refusedStatus(error) === 404) return undefined;
      throw error;
    }
  }

  async create(record: LeaseRecord, signal: AbortSignal): Promise<string> {
    const { name, namespace, owner, labels } = this.#options;
    const base: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace, ...(labels && { labels }), ...(owner && { ownerReferences: [owner] }) },
    };
    return this.#write('POST', this.#path, withRecord(base, record), signal);
  }

  async update(record: LeaseRecord, version: string, signal: AbortSignal): Promise<string> {
    // labels, owners and all fields of other writers must stay unchanged
    if (!this.#leases.has(version)) await this.read(signal);
    const base = this.#leases.get(version);
    if (!base) throw new ConflictError('the lease is not at the version named');
    return this.#write('PUT', this.#itemPath, withRecord(base, record), signal);
  }

  async watch(onChange: (state: LeaseState | undefined) => void, signal: AbortSignal): Promise<void> {
    const { name } = this.#options;
    let oldLists = 0;
    const onSighting = (sighting: Sighting<Lease>) => {
      const { object, revision, listed } = sighting;
      this.#lives.saw(sighting);
      const seen = revisionOf(revision);
      if (seen < this.#newest && (!listed || ++oldLists < MAX_OLD_LISTS)) return 'list again';
      oldLists = 0;
      this.#newest = seen;
      onChange(object && this.#remember(object));
      return undefined;
    };
    await this.#watch<Lease>({ path: this.#path, name, onSighting }, signal);
  }

  async termBefore(version: string, signal: AbortSignal): Promise<number> {
    const [uid = '', revision] = version.split('/');
    return this.#lives.termBefore(uid, revisionOf(revision), signal);
  }

  async holderGone(record: LeaseRecord, signal: AbortSignal): Promise<string> {
    const { watchHolderPod = true, container } = this.#options;
    const pod = podOf(record.holder);
    const found = new AbortController();
    let evidence: string | undefined;
    let existed = false;
    const end = AbortSignal.any([signal, found.signal]);
    if (pod && watchHolderPod) {
      const onSighting = ({ object }: Sighting<Pod>) => {
        existed ||= object?.metadata?.uid === pod.uid;
        evidence ??= podEvidence(object, pod.uid, record.acquiredAt, existed, container);
        if (evidence !== undefined) found.abort(new Error('found'));
      };
      try {
        await this.#watch<Pod>({ path: this.#podsPath, name: pod.name, onSighting }, end);
      } catch (error) {
        if (evidence === undefined) throw error;
      }
    } else {
      await untilAborted(signal);
    }
    if (evidence === undefined) throw signal.reason as Error;
    return evidence;
  }

  /** The running pods that the selector matches; none without a selector. */
  async candidates(signal: AbortSignal): Promise<Candidate[]> {
    const { podSelector } = this.#options;
    if (podSelector === undefined) return [];
    const call: Call = { method: 'GET', path: this.#podsPath, query: { labelSelector: podSelector } };
    const { items } = await this.#call<{ items: Pod[] }>(call, signal);
    return items
      .filter(({ status }) => status?.phase === 'Running')
      .map(({ metadata, status }) => ({
        identity: podIdentity(metadata?.name ?? '', metadata?.uid ?? ''),
        since: status?.startTime ?? '',
      }));
  }

  /** Writes an Event about the Lease, in the format of client-go's electors. */
  async recordEvent({ message, type, at }: LeaseEvent, signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#options;
    const uid = [...this.#leases.values()].at(-1)?.metadata.uid;
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name, ...(uid && { uid }) },
      reason: 'LeaderElection',
      message,
      type,
      source: { component: COMPONENT },
      firstTimestamp: at.replace(/\.\d+/, ''),
      lastTimestamp: at.replace(/\.\d+/, ''),
      count: 1,
    };
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    await this.#call({ method: 'POST', path, body }, signal);
  }

  get #itemPath(): string {
    return `${this.#path}/${encodeURIComponent(this.#options.name)}`;
  }

  get #podsPath(): string {
    return `/api/v1/namespaces/${encodeURIComponent(this.#options.namespace)}/pods`;
  }

  async #write(method: 'POST' | 'PUT', path: string, body: Lease, signal: AbortSignal): Promise<string> {
    try {
      const lease = await this.#call<Lease>({ method, path, body }, signal);
      const revision = revisionOf(lease.metadata.resourceVersion);
      if (revision > this.#newest) this.#newest = revision;
      return this.#remember(lease).version;
    } catch (error) {
      // 404 to a PUT: the Lease is gone; to a POST: the namespace does not exist
      const status = refusedStatus(error);
      if (status === 409 || (status === 404 && method === 'PUT')) throw new ConflictError((error as Error).message);
      throw error;
    }
  }

  async #call<T>(call: Call, signal: AbortSignal): Promise<T> {
    try {
      return await this.#connection.json<T>(call, signal);
    } catch (error) {
      throw lockErrorOf(error, `${call.method} ${call.path}`);
    }
  }

  async #watch<T extends KubeObject>(
    what: { path: string; name: string; onSighting: (sighting: Sighting<T>) => 'list again' | void },
    signal: AbortSignal,
  ): Promise<void> {
    const options = { connection: this.#connection, clock: this.#options.clock, ...what };
    await watchOne<T>(options, signal).catch((error: unknown) => {
      throw lockErrorOf(error, `watch of ${what.path}/${what.name}`);
    });
  }

  #remember(lease: Lease): LeaseState {
    const { uid = '', resourceVersion = '' } = lease.metadata;
    const version = `${uid}/${resourceVersion}`;
    this.#leases.delete(version);
    this.#leases.set(version, lease);
    for (const oldest of this.#leases.keys()) {
      if (this.#leases.size <= KEPT_LEASES) break;
      this.#leases.delete(oldest);
    }
    return { record: leaseRecordOf(lease), version };
  }
}

/** Revisions are etcd's, and so growing numbers, although the API does not promise that: a value that is no number counts as new. */
function revisionOf(resourceVersion: string | undefined): bigint {
  return /^\d+$/.test(resourceVersion ?? '') ? BigInt(resourceVersion!) : 2n ** 64n;
}
