import { type Clock, withDeadline } from 'clock-port';
import { Connection, KubeConfigError, loadKubeConfig } from 'kube-client';
import { KubernetesLock, type OwnerReference, podIdentity, recordEvents } from 'lease-elector/kubernetes/index';
import type { Logger } from 'pino';
import { ConfigError } from '@streamspace/settings';
import type { AgentConfig } from '../config.ts';
import type { ReplicaLock } from './replica-lock.ts';

/** The user agent. */
const PROGRAM = 'streamspace-agent';
/** Name of the Lease if LEASE_LOCK gives none. */
const LEASE_NAME = 'k8s-agent-leader-election';
/** The chart's labels that distinguish this agent's replicas from other pods. */
const REPLICA_LABELS = ['name', 'instance', 'component'].map((label) => `app.kubernetes.io/${label}`);
/** Longest wait for this pod's own identity and owner, milliseconds. */
const LOOK_TIMEOUT = 5_000;

interface ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { kind: string; name: string; uid: string; apiVersion: string }[];
}

interface Self {
  readonly uid: string;
  readonly selector: string;
  readonly owner: OwnerReference | undefined;
}

/**
 * The Lease that the replicas share, in this pod's namespace. Outside the cluster, or without the right to read pods, the kubelet's report is
 * not available, and a leader that dies without a message is replaced when its lease expires.
 */
export async function kubernetesLock(
  config: AgentConfig,
  clock: Clock,
  log: Logger,
  nonce: string,
): Promise<ReplicaLock> {
  const cluster = clusterOf(config);
  const namespace = cluster.getContextObject(cluster.getCurrentContext())?.namespace ?? config.namespace;
  const name = config.leaseLock.target === '' ? LEASE_NAME : config.leaseLock.target;
  const connection = new Connection(cluster, clock, PROGRAM);
  const self = await withDeadline(clock, LOOK_TIMEOUT, 'this pod', undefined, (signal) =>
    lookAtSelf(connection, namespace, config.podName, signal),
  ).catch((error: unknown) => {
    log.warn(
      { err: error, pod: config.podName, namespace },
      'Own pod not found: elections go without the kubelet’s reports of this pod',
    );
    return undefined;
  });
  await connection.close();
  const lock = new KubernetesLock({
    config: cluster,
    clock,
    namespace,
    name,
    watchHolderPod: self !== undefined,
    ...(self?.owner && { owner: self.owner }),
    ...(self !== undefined && self.selector !== '' && { podSelector: self.selector }),
  });
  return {
    lock,
    identity: self === undefined ? `${config.podName}@${nonce}` : podIdentity(config.podName, self.uid),
    attach: (elector) =>
      recordEvents({
        elector,
        lock,
        clock,
        onError: (error) => log.debug({ err: error }, 'Event on the Lease not written'),
      }),
  };
}

/** Throws {@link ConfigError}. */
function clusterOf({ kubeconfig }: AgentConfig): ReturnType<typeof loadKubeConfig> {
  try {
    return loadKubeConfig(kubeconfig);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    throw new ConfigError([{ name: 'KUBECONFIG', message: `KUBECONFIG: ${error.message}` }]);
  }
}

async function lookAtSelf(
  connection: Connection,
  namespace: string,
  podName: string,
  signal: AbortSignal,
): Promise<Self> {
  const get = async (path: string) =>
    (await connection.json<{ metadata: ObjectMeta }>({ method: 'GET', path }, signal)).metadata;
  const pod = await get(`/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(podName)}`);
  const selector = REPLICA_LABELS.flatMap((label) =>
    pod.labels?.[label] === undefined ? [] : `${label}=${pod.labels[label]}`,
  ).join(',');
  const replicaSet = pod.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet');
  if (replicaSet === undefined) return { uid: pod.uid, selector, owner: undefined };
  // the next rollout replaces the ReplicaSet, but the Deployment stays; without the right to read it, the Lease has no owner
  const owners = await get(`/apis/apps/v1/namespaces/${namespace}/replicasets/${replicaSet.name}`).then(
    ({ ownerReferences }) => ownerReferences,
    () => undefined,
  );
  const deployment = owners?.find(({ kind }) => kind === 'Deployment');
  return {
    uid: pod.uid,
    selector,
    owner: deployment && {
      apiVersion: deployment.apiVersion,
      kind: deployment.kind,
      name: deployment.name,
      uid: deployment.uid,
    },
  };
}
