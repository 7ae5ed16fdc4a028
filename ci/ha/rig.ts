import { setMaxListeners } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindCluster } from '../kind/cluster.ts';
import { install, NAMESPACE, userToken } from '../kind/install.ts';
import { HaCluster } from './cluster.ts';
import { Hub } from './hub.ts';
import { Kube } from './kube.ts';
import { Observer } from './observer.ts';
import { TEMPLATE, writeValues } from './values.ts';

/** The agent id of test-values/ha.yaml. */
const AGENT = 'ha';
/** test-values/ha.yaml with one replica of each, and no election. */
const ONE = ['k8sAgent.replicaCount=1', 'k8sAgent.ha.enabled=false', 'api.replicaCount=1'];
const SCREEN_MS = 120_000;

/** Shared by all rounds: the cluster and the hub, their observers, and a session with a watched screen. */
export class Rig {
  readonly cluster: HaCluster;
  readonly hub: Hub;
  readonly observer: Observer;
  /** Id of the session with the watched screen. */
  readonly screen: string;
  /** Distinguishes this run's requests from those of others. */
  readonly run: string;
  readonly install: (shape: 'ha' | 'one') => Promise<void>;
  readonly #stop: AbortController;

  private constructor(
    parts: Pick<Rig, 'cluster' | 'hub' | 'observer' | 'screen' | 'run' | 'install'>,
    stop: AbortController,
  ) {
    this.cluster = parts.cluster;
    this.hub = parts.hub;
    this.observer = parts.observer;
    this.screen = parts.screen;
    this.run = parts.run;
    this.install = parts.install;
    this.#stop = stop;
  }

  /** Installs the chart with the scenarios' values, in that shape, and opens the session. `folder`: for the results. */
  static async set(kind: KindCluster, folder: string, shape: 'ha' | 'one'): Promise<Rig> {
    await mkdir(folder, { recursive: true });
    const values = join(folder, 'values.json');
    await writeValues(values);
    const installShape = (wanted: 'ha' | 'one') =>
      install(kind, 'ha', ['-f', values, ...(wanted === 'one' ? ONE.flatMap((set) => ['--set', set]) : [])]);
    await installShape(shape);
    const kube = await Kube.start(kind.kubeconfig);
    const stop = new AbortController();
    // one listener for every watch and every followed log
    setMaxListeners(0, stop.signal);
    stop.signal.addEventListener('abort', () => kube.stop(), { once: true });
    try {
      const hub = new Hub(kind.hub, await userToken('ha'), AGENT);
      const cluster = new HaCluster(kind, kube);
      const observer = new Observer(kube, hub, stop.signal);
      observer.start();
      const run = Math.random().toString(36).slice(2, 8);
      const rig = new Rig(
        { cluster, hub, observer, screen: await openScreen(cluster, hub, run), run, install: installShape },
        stop,
      );
      // left by an aborted run
      await rig.clear();
      return rig;
    } catch (error) {
      stop.abort();
      throw error;
    }
  }

  /** Deletes the leftovers of a failed round: every session except the watched one. Never rejects. */
  async clear(): Promise<void> {
    const sessions = await this.hub.sessions().catch(() => []);
    for (const { id } of sessions) if (id !== this.screen) await this.hub.delete(id).catch(() => undefined);
  }

  /** Deletes the session, and stops the observers. The chart stays. */
  async close(): Promise<void> {
    await this.hub.delete(this.screen).catch(() => undefined);
    this.#stop.abort();
  }

  /** Material for a later analysis: the state of all objects, events, logs of previous containers. */
  async leaveTraces(folder: string): Promise<void> {
    const { cluster } = this;
    const leave = async (file: string, ...args: string[]) => {
      const text = await cluster.kubectl(...args).catch((error: Error) => error.message);
      await writeFile(join(folder, file), text);
    };
    await leave('objects.txt', 'get', 'pods,services,leases,persistentvolumeclaims', '-o', 'wide');
    await leave('lease.yaml', 'get', 'lease', '-o', 'yaml');
    await leave('events.txt', 'get', 'events', '--sort-by=.metadata.creationTimestamp');
    await leave('pods.txt', 'describe', 'pods', '-n', NAMESPACE);
    await mkdir(join(folder, 'previous'), { recursive: true });
    for (const component of ['k8s-agent', 'api'] as const)
      for (const { name, restarts } of await cluster.pods(component).catch(() => []))
        if (restarts > 0) await leave(join('previous', `${name}.log`), 'logs', name, '--previous', '--tail=2000');
  }
}

async function openScreen(cluster: HaCluster, hub: Hub, run: string): Promise<string> {
  const made = await cluster.until(
    'a session is accepted',
    async () => {
      const { status, body } = await hub.create(`screen-${run}`, TEMPLATE);
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
      return body.session.id;
    },
    SCREEN_MS,
  );
  await cluster.until(
    'the session runs',
    async () => {
      const session = (await hub.sessions()).find(({ id }) => id === made);
      if (session?.state === 'running') return true;
      throw new Error(`${session?.state}: ${session?.reason ?? ''}`);
    },
    SCREEN_MS,
  );
  return made;
}
