import { KubeConfig, type V1PersistentVolumeClaim, type V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import type { KubeApiserver } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { Connection, isStatus, KubeClient } from 'kube-client';
import { KubernetesDriver } from '../../src/sessions/kubernetes/driver.ts';
import type { KubernetesDriverOptions } from '../../src/sessions/kubernetes/options.ts';
import { claimFor } from '../../src/sessions/kubernetes/objects/claim.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName, oldHomeName } from '../../src/sessions/core/names.ts';
import type { DriverSetup } from '../contract/driver.ts';
import { TestKubelet } from './kubernetes-kubelet.ts';
import { keepsNewer, spoil } from './kubernetes-spoiled.ts';

const MARK = 'test/mark';
const soon = () => AbortSignal.timeout(20_000);

export interface KubernetesPlace extends DriverSetup {
  readonly server: KubeApiserver;
  readonly kubelet: TestKubelet;
  readonly client: KubeClient;
  makeDriver(changes?: Partial<KubernetesDriverOptions>): KubernetesDriver;
  pods(): Promise<V1Pod[]>;
  /** What drivers are made with. */
  options(): KubernetesDriverOptions;
  homeOf(spec: SessionSpec): Promise<V1PersistentVolumeClaim | undefined>;
  /** Access as the owner of a token has it. */
  kubeConfig(token: string): KubeConfig;
}

/** Waits for a condition of the outside world and returns what it became; fails when the signal aborts. */
export async function until<T>(condition: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const value = await condition();
    if (value) return value;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A step of drivers whose process ends when their record is written. */
export function dieAtRecord(step: string): void {
  if (step === 'record made' || step === 'record changed') throw new Error('the process ends here');
}

function kubeConfigOf(text: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromString(text);
  return config;
}

/** A namespace of its own on a real API server, with a kubelet that plays along. */
export async function kubernetesPlace(server: KubeApiserver, namespace: string, labels = {}): Promise<KubernetesPlace> {
  const kubeConfig = kubeConfigOf(server.kubeconfig(namespace));
  const connection = new Connection(kubeConfig, systemClock, 'test');
  const client = new KubeClient(connection, namespace, systemClock);
  await client.raw(
    'POST',
    '/api/v1/namespaces',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    'application/json',
    soon(),
  );
  const kubelet = new TestKubelet(client);
  await kubelet.start();
  const drivers: KubernetesDriver[] = [];

  const pods = async () => (await client.list<V1Pod>('pods', {}, soon())).items;
  /** Under whichever of its names. */
  const home = async (spec: SessionSpec) => {
    for (const name of [oldHomeName(spec), homeName(spec)]) {
      try {
        return await client.get<V1PersistentVolumeClaim>('persistentvolumeclaims', name, soon());
      } catch (error) {
        if (!isStatus(error, 404)) throw error;
      }
    }
    return undefined;
  };
  const annotate = async (spec: SessionSpec, annotations: Record<string, string>) => {
    const path = client.path('persistentvolumeclaims', (await home(spec))!.metadata!.name!);
    await client.raw('PATCH', path, { metadata: { annotations } }, 'application/merge-patch+json', soon());
  };

  const options = (): KubernetesDriverOptions => ({
    kubeConfig,
    namespace,
    agentId: 'agent-1',
    maxSessions: 100,
    defaultImage: 'streamspace/desktop:latest',
    sessionImagePullPolicy: 'IfNotPresent',
    sessionDefaultCpu: 1,
    sessionDefaultMemory: 2 * 1024 ** 3,
    sessionDefaultStorage: 10 * 1024 ** 3,
    sessionStorageClass: undefined,
    sessionServiceType: 'ClusterIP',
    vncPort: 5900,
    screens: 'direct',
    startDeadline: 20_000,
    clock: systemClock,
    log: { info() {}, warn() {} },
  });

  const place: KubernetesPlace = {
    server,
    options,
    kubelet,
    client,
    pods,
    homeOf: home,
    kubeConfig: (token) => kubeConfigOf(server.kubeconfig(namespace, token)),
    makeDriver(changes = {}) {
      const driver = new KubernetesDriver({ ...options(), ...changes });
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
      const ended = ['Failed', 'Succeeded'];
      return (await pods())
        .filter(
          ({ metadata, status }) => metadata?.labels?.['session'] === sessionId && !ended.includes(status?.phase ?? ''),
        )
        .map(({ metadata }) => metadata!.uid!);
    },
    kill: (sessionId) => kubelet.crash(sessionName(sessionId)),
    async loseObject(sessionId) {
      await client.remove('pods', sessionName(sessionId), { gracePeriodSeconds: 0 }, soon());
      await until(async () => (await place.running(sessionId)) === 0, soon());
    },
    async loseRecord(sessionId) {
      await client.remove('services', sessionName(sessionId), {}, soon());
    },
    markHome: (spec) => annotate(spec, { [MARK]: 'yes' }),
    disown: (spec, owner = spec) => annotate(spec, { 'streamspace.io/user': owner.user }),
    async makeOldHome(spec) {
      const claim = claimFor(spec, options());
      claim.metadata!.name = oldHomeName(spec);
      await client.create('persistentvolumeclaims', claim, soon());
      await annotate(spec, { [MARK]: 'yes' });
    },
    homeIsMarked: async (spec) => (await home(spec))?.metadata?.annotations?.[MARK] === 'yes',
    spoil: (sessionId, what) => spoil(client, sessionId, what),
    keepsNewer: (sessionId) => keepsNewer(client, sessionId),
    async cleanup() {
      await kubelet.stop();
      await Promise.all(drivers.map((driver) => driver.close()));
      await connection.close();
    },
  };
  return place;
}
