import { setMaxListeners } from 'node:events';
import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { systemClock } from 'clock-port';
import { Informer, isStatus, type KubeClient } from 'kube-client';
import { TestScreen } from './kubernetes-screen.ts';

const NODE = 'node-1';

/** What a test's cluster does with a pod: undefined runs it. */
export type Fate = (pod: V1Pod) => V1PodStatus | 'nothing' | undefined;

/**
 * Scheduler and kubelet of a cluster that has none: binds pods, gives each an address of its own (127.x.y.z) with a screen
 * behind it, confirms deletions, and plays the failures that a test wants to see, all through the real API.
 */
export class TestKubelet {
  readonly #client: KubeClient;
  readonly #screens = new Map<string, TestScreen>();
  readonly #stop = new AbortController();
  readonly #pods: Informer<V1Pod>;
  #addresses = 0;
  readonly #network = 1 + Math.floor(Math.random() * 250);
  #ended: Promise<void> | undefined;
  readonly #inHand = new Set<string>();
  fate: Fate = () => undefined;
  /** Leaves the time at which a pod became ready in its status. */
  stampReady = false;
  /** Pods whose end is not confirmed, as on a lost node. */
  lost = new Set<string>();

  constructor(client: KubeClient) {
    this.#client = client;
    setMaxListeners(0, this.#stop.signal);
    this.#pods = new Informer<V1Pod>({ client, resource: 'pods', query: {}, clock: systemClock });
    this.#pods.onChange((_, pod) => void (pod && this.#handle(pod)));
  }

  async start(): Promise<void> {
    this.#ended = this.#pods.run(this.#stop.signal);
    await this.#pods.synced;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await Promise.all([...this.#screens.values()].map((screen) => screen.close()));
  }

  /** Ends the session's program, as a crash would. */
  async crash(name: string, exitCode = 137): Promise<void> {
    await this.status(name, {
      phase: 'Failed',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [container({ terminated: { exitCode, reason: 'Error' } })],
    });
    await this.#endScreen(name);
  }

  /** Says something of a pod. */
  async status(name: string, status: V1PodStatus): Promise<void> {
    const path = this.#client.path('pods', name, 'status');
    await this.#client.raw('PATCH', path, { status }, 'application/merge-patch+json', this.#stop.signal);
  }

  async #handle(pod: V1Pod): Promise<void> {
    const { name, uid } = pod.metadata!;
    const key = `${uid} ${pod.metadata!.deletionTimestamp === undefined ? 'run' : 'end'}`;
    if (this.#inHand.has(key)) return;
    this.#inHand.add(key);
    try {
      if (pod.metadata!.deletionTimestamp !== undefined) {
        await this.#endScreen(name!);
        if (!this.lost.has(name!)) {
          await this.#client.remove(
            'pods',
            name!,
            { preconditions: { uid }, gracePeriodSeconds: 0 },
            this.#stop.signal,
          );
        }
        return;
      }
      const fate = this.fate(pod);
      if (fate === 'nothing') return;
      if (
        fate !== undefined &&
        fate.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False')
      ) {
        await this.status(name!, fate);
        return;
      }
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: NODE } };
      await this.#client.raw(
        'POST',
        this.#client.path('pods', name, 'binding'),
        binding,
        'application/json',
        this.#stop.signal,
      );
      if (fate !== undefined) {
        await this.status(name!, fate);
        return;
      }
      const podIP = await this.#serve(name!, portOf(pod));
      await this.status(name!, {
        phase: 'Running',
        ...(this.stampReady && { message: String(Date.now()) }),
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [container({ running: {} })],
      });
    } catch (error) {
      if (!this.#stop.signal.aborted && !isStatus(error, 404) && !isStatus(error, 409)) console.error(error);
    }
  }

  /** A screen at an address that nobody else on this machine has: suites run side by side. */
  async #serve(name: string, port: number): Promise<string> {
    for (;;) {
      const n = ++this.#addresses;
      const address = `127.${this.#network}.${(n >> 8) + 1}.${n & 0xff}`;
      try {
        this.#screens.set(name, await TestScreen.listen(address, port));
        return address;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  async #endScreen(name: string): Promise<void> {
    const screen = this.#screens.get(name);
    this.#screens.delete(name);
    await screen?.close();
  }
}

export function container(state: V1ContainerStatus['state'], more: Partial<V1ContainerStatus> = {}): V1ContainerStatus {
  const running = state?.running !== undefined;
  return {
    name: 'session',
    image: 'streamspace/desktop:latest',
    imageID: '',
    ready: running,
    started: running,
    restartCount: 0,
    ...(state && { state }),
    ...more,
  };
}

const portOf = (pod: V1Pod): number => pod.spec!.containers[0]!.ports![0]!.containerPort;
