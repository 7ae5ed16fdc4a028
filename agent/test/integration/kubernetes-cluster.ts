import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import { KubernetesDriver } from '../../src/sessions/kubernetes/driver.ts';
import type { KubernetesDriverOptions } from '../../src/sessions/kubernetes/options.ts';
import { claimFor } from '../../src/sessions/kubernetes/objects/claim.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName, oldHomeName } from '../../src/sessions/core/names.ts';
import type { DriverSetup } from '../contract/driver.ts';
import { dieAtRecord, until } from './kubernetes-place.ts';
import { keepsNewer, spoil } from './kubernetes-spoiled.ts';

export const DESKTOP_IMAGE = 'streamspace/desktop:latest';
const CLUSTER = 'sessions';
const CONFIG = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
featureGates: { KubeletInUserNamespace: true }
nodes: [{ role: control-plane }]
`;

const soon = () => AbortSignal.timeout(60_000);

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const works = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Why no cluster can be made here; undefined when it can. */
export function clusterMissing(): string | undefined {
  if (!works('docker', 'info')) return 'no Docker engine answers';
  if (!works('kind', 'version')) return 'kind is not on PATH';
  if (!works('kubectl', 'version', '--client')) return 'kubectl is not on PATH';
  return undefined;
}

/** A kind cluster with the desktop image: real scheduler, kubelet, volumes. Pods are reached from here by a route to its node. */
export class SessionCluster {
  readonly kubeconfig: string;
  /** Path of the kubeconfig, for programs. */
  readonly path: string;
  /** Whether pods' addresses are reached from here. */
  readonly routed: boolean;
  readonly #folder: string;
  readonly #podRange: string;
  readonly #found: boolean;

  private constructor(
    folder: string,
    path: string,
    kubeconfig: string,
    podRange: string,
    routed: boolean,
    found: boolean,
  ) {
    this.#folder = folder;
    this.path = path;
    this.kubeconfig = kubeconfig;
    this.#podRange = podRange;
    this.routed = routed;
    this.#found = found;
  }

  /** Makes the cluster, or takes the one of that name, which is left as it is afterwards. */
  static async create(): Promise<SessionCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kind-'));
    const [config, path] = [join(folder, 'kind.yaml'), join(folder, 'kubeconfig')];
    const found = run('kind', 'get', 'clusters').split('\n').includes(CLUSTER);
    if (!found) {
      // minutes, where nobody has built it before
      if (!works('docker', 'image', 'inspect', DESKTOP_IMAGE))
        run(
          'docker',
          'build',
          '-q',
          '-t',
          DESKTOP_IMAGE,
          fileURLToPath(new URL('../../../images/desktop', import.meta.url)),
        );
      await writeFile(config, CONFIG);
      const image = process.env['KIND_NODE_IMAGE'];
      const more = image === undefined ? [] : ['--image', image];
      run(
        'kind',
        'create',
        'cluster',
        '--name',
        CLUSTER,
        '--config',
        config,
        '--kubeconfig',
        path,
        '--wait',
        '120s',
        ...more,
      );
      run('kind', 'load', 'docker-image', DESKTOP_IMAGE, '--name', CLUSTER);
    }
    const kubeconfig = run('kind', 'get', 'kubeconfig', '--name', CLUSTER);
    await writeFile(path, kubeconfig, { mode: 0o600 });
    const node = (field: string) =>
      run('kubectl', '--kubeconfig', path, 'get', 'nodes', '-o', `jsonpath={.items[0].${field}}`);
    const podRange = node('spec.podCIDR');
    const routed = works('ip', 'route', 'replace', podRange, 'via', node('status.addresses[0].address'));
    return new SessionCluster(folder, path, kubeconfig, podRange, routed, found);
  }

  kubectl(...args: string[]): string {
    return run('kubectl', '--kubeconfig', this.path, ...args);
  }

  /** The same, whatever comes of it. */
  try(...args: string[]): void {
    works('kubectl', '--kubeconfig', this.path, ...args);
  }

  /** Whether a command in the node's file system succeeds. */
  onNode(script: string): boolean {
    return works('docker', 'exec', `${CLUSTER}-control-plane`, 'sh', '-c', script);
  }

  kubeConfig(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromString(this.kubeconfig);
    return config;
  }

  async remove(): Promise<void> {
    if (this.routed) works('ip', 'route', 'del', this.#podRange);
    if (!this.#found) run('kind', 'delete', 'cluster', '--name', CLUSTER);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface ClusterPlace extends DriverSetup {
  readonly client: KubeClient;
  makeDriver(changes?: Partial<KubernetesDriverOptions>): KubernetesDriver;
}

/** Desktops are asked for with one core each; a test machine has two for all. */
export const SMALL = {
  spec: {
    containers: [
      {
        name: 'session',
        resources: { requests: { cpu: '1m', memory: '16Mi' }, limits: { cpu: null, memory: '512Mi' } },
      },
    ],
  },
};

/** Of claims that a test makes as an agent would. */
const CLAIM = { agentId: 'agent-1', sessionDefaultStorage: 1024 ** 3, sessionStorageClass: undefined };

/** A namespace of its own in the cluster, under Pod Security `restricted`. */
export async function clusterPlace(
  cluster: SessionCluster,
  namespace: string,
  screens: 'direct' | 'port-forward',
): Promise<ClusterPlace> {
  const kubeConfig = cluster.kubeConfig();
  const connection = new Connection(kubeConfig, systemClock, 'test');
  const client = new KubeClient(connection, namespace, systemClock);
  cluster.kubectl('create', 'namespace', namespace);
  cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
  // its controller takes a while after the API server was away, and a pod without one is refused
  await until(async () => {
    try {
      return cluster.kubectl('-n', namespace, 'get', 'serviceaccount', 'default', '-o', 'name') !== '';
    } catch {
      return false;
    }
  }, AbortSignal.timeout(120_000));
  const drivers: KubernetesDriver[] = [];
  const homes = (spec: SessionSpec) => `/var/local-path-provisioner/*_${namespace}_${homeName(spec)}`;
  const place: ClusterPlace = {
    client,
    makeDriver(changes = {}) {
      const driver = new KubernetesDriver({
        kubeConfig,
        namespace,
        agentId: 'agent-1',
        maxSessions: 100,
        defaultImage: DESKTOP_IMAGE,
        sessionImagePullPolicy: 'IfNotPresent',
        sessionDefaultCpu: 0.1,
        sessionDefaultMemory: 256 * 1024 ** 2,
        sessionDefaultStorage: 1024 ** 3,
        sessionStorageClass: undefined,
        sessionServiceType: 'ClusterIP',
        vncPort: 5900,
        podTemplate: SMALL,
        screens,
        startDeadline: 60_000,
        clock: systemClock,
        log: { info() {}, warn() {} },
        ...changes,
      });
      drivers.push(driver);
      return driver;
    },
    makeDying() {
      return place.makeDriver({ step: dieAtRecord });
    },
    async running(sessionId) {
      return (await place.starts(sessionId)).length;
    },
    async starts(sessionId) {
      const { items } = await client.list<V1Pod>('pods', { labelSelector: `session=${sessionId}` }, soon());
      const running = items.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
      return running.map(({ metadata }) => metadata!.uid!);
    },
    async loseObject(sessionId) {
      cluster.kubectl('-n', namespace, 'delete', 'pod', sessionName(sessionId), '--grace-period=0', '--force');
      await until(async () => (await place.running(sessionId)) === 0, AbortSignal.timeout(60_000));
    },
    async loseRecord(sessionId) {
      cluster.kubectl('-n', namespace, 'delete', 'service', sessionName(sessionId));
    },
    async kill(sessionId) {
      // everything but the first process; that one sees its screen gone
      // kubectl may or may not see its own shell end
      cluster.try('exec', '-n', namespace, sessionName(sessionId), '--', 'bash', '-c', 'kill -KILL -1');
    },
    async markHome(spec) {
      if (!cluster.onNode(`cd ${homes(spec)} && touch mark`)) throw new Error('the home is not on the node');
    },
    async homeIsMarked(spec) {
      // the folder of a claim that is gone is removed at leisure
      const claims = await client.list('persistentvolumeclaims', {}, soon());
      const named = (name: string) => claims.items.find(({ metadata }) => metadata?.name === name);
      if (named(oldHomeName(spec))?.metadata?.annotations?.['test/mark'] === 'yes') return true;
      return named(homeName(spec)) !== undefined && cluster.onNode(`cd ${homes(spec)} && test -e mark`);
    },
    async disown(spec, owner = spec) {
      const body = { metadata: { annotations: { 'streamspace.io/user': owner.user } } };
      const path = client.path('persistentvolumeclaims', homeName(spec));
      await client.raw('PATCH', path, body, 'application/merge-patch+json', soon());
    },
    async makeOldHome(spec) {
      const claim = claimFor(spec, { ...CLAIM, namespace });
      claim.metadata!.name = oldHomeName(spec);
      // it has no folder before a pod uses it
      claim.metadata!.annotations!['test/mark'] = 'yes';
      await client.create('persistentvolumeclaims', claim, soon());
    },
    spoil: (sessionId, what) => spoil(client, sessionId, what),
    keepsNewer: (sessionId) => keepsNewer(client, sessionId),
    async cleanup() {
      await Promise.all(drivers.map((driver) => driver.close()));
      await connection.close();
      cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
    },
  };
  return place;
}
