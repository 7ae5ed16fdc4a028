// The driver in a process of its own, so that its memory is its own: agent.ts KUBECONFIG NAMESPACE [WARM PODS]. Speaks JSON lines.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { Connection, KubeClient, type KubeObject, loadKubeConfig } from 'kube-client';
import { KubernetesDriver } from '../../agent/src/sessions/kubernetes/driver.ts';
import { sessionName } from '../../agent/src/sessions/kubernetes/objects/names.ts';

/** The request: sessions to create at once, one from a warm pod, or the state of the process. */
export type Question = { create: string[] } | { claim: string } | { state: true };
export interface Created {
  /** Milliseconds from the command to the pod's creation, and from the pod's readiness to `running`. */
  podMade: number[];
  running: number[];
}
export interface Claimed {
  /** Milliseconds from the command to `running`, and from there to the screen's first byte. */
  running: number;
  screen: number;
  /** Whether its pod was warm. */
  warm: boolean;
}
export interface State {
  rss: number;
  cpu: number;
  requests: number;
}

const [path = '', namespace = '', warm = '0'] = process.argv.slice(2);
const env = { STREAMSPACE_HOME: 'none' };
const kiosk = { template: 'kiosk', image: '', cpu: 0, memory: 0, storage: 0, env };
const kubeConfig = loadKubeConfig(path);
const began = new Map<string, number>();
const made = new Map<string, number>();
const driver = new KubernetesDriver({
  kubeConfig,
  namespace,
  agentId: 'bench',
  maxSessions: 1000,
  defaultImage: 'streamspace/desktop:latest',
  sessionImagePullPolicy: 'IfNotPresent',
  sessionDefaultCpu: 0.01,
  sessionDefaultMemory: 2 ** 20,
  sessionDefaultStorage: 2 ** 20,
  sessionStorageClass: undefined,
  sessionServiceType: 'ClusterIP',
  vncPort: 5900,
  screens: 'direct',
  startDeadline: 60_000,
  warm: warm === '0' ? [] : [{ ...kiosk, id: 'kiosk', warm: Number(warm) }],
  clock: systemClock,
  log: { info() {}, warn() {} },
  step: (step, id) => void (step === 'pod made' && made.set(id, performance.now() - began.get(id)!)),
});
const client = new KubeClient(new Connection(kubeConfig, systemClock, 'bench'), namespace, systemClock);
const stop = new AbortController();
const watch = driver.watch(() => undefined, stop.signal);

async function create(id: string): Promise<number> {
  const spec: SessionSpec = {
    id,
    user: id,
    template: 'desktop',
    name: '',
    cpu: 0,
    memory: 0,
    storage: 0,
    image: '',
    env: {},
    created_at: new Date().toISOString(),
  };
  began.set(id, performance.now());
  await driver.create(spec, { commandId: `create-${id}`, term: 1, signal: AbortSignal.timeout(60_000) });
  return Date.now();
}

/** One session, when the pool is full. */
async function claim(id: string): Promise<Claimed> {
  const limit = AbortSignal.timeout(60_000);
  for (;;) {
    const { items } = await client.list<KubeObject & { status?: { phase?: string } }>(
      'pods',
      { labelSelector: 'warm' },
      limit,
    );
    if (items.length === Number(warm) && items.every(({ status }) => status?.phase === 'Running')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const spec: SessionSpec = { ...kiosk, id, user: id, name: '', created_at: new Date().toISOString() };
  const start = performance.now();
  await driver.create(spec, { commandId: `create-${id}`, term: 1, signal: limit });
  const ran = performance.now();
  const screen = await driver.connect(id, limit);
  await once(screen, 'data');
  const seen = performance.now();
  screen.destroy();
  const { items } = await client.list('pods', { labelSelector: `session=${id}` }, limit);
  return { running: ran - start, screen: seen - ran, warm: items[0]?.metadata?.name?.startsWith('warm-') === true };
}

for await (const line of createInterface(process.stdin)) {
  const question = JSON.parse(line) as Question;
  if ('state' in question) {
    const { user, system } = process.cpuUsage();
    const state: State = { rss: process.memoryUsage.rss(), cpu: (user + system) / 1000, requests: driver.requests };
    process.stdout.write(`${JSON.stringify(state)}\n`);
    continue;
  }
  if ('claim' in question) {
    process.stdout.write(`${JSON.stringify(await claim(question.claim))}\n`);
    continue;
  }
  const ran = await Promise.all(question.create.map(create));
  const pods = await Promise.all(
    question.create.map((id) =>
      client.get<KubeObject & { status?: { message?: string } }>('pods', sessionName(id), AbortSignal.timeout(60_000)),
    ),
  );
  const created: Created = {
    podMade: question.create.map((id) => made.get(id)!),
    // the bench's kubelet leaves the time at which it said "ready"
    running: pods.map((pod, index) => ran[index]! - Number(pod.status?.message)),
  };
  process.stdout.write(`${JSON.stringify(created)}\n`);
}
stop.abort();
await watch;
await driver.close();
await client.connection.close();
