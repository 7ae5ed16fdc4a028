import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { Elector } from 'lease-elector';
import { ApiClient } from 'lease-elector/kubernetes/index';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { lockFor, replicaOf } from '../../src/leader/locks.ts';
import { until } from '../support/until.ts';

const missing = kubeApiserverMissing();
const title = `the Lease of an agent in a cluster${missing === undefined ? '' : ` (not run: ${missing})`}`;
const log = pino({ level: 'silent' });
const soon = () => AbortSignal.timeout(10_000);

describe.skipIf(missing !== undefined)(title, () => {
  let server: KubeApiserver;
  let folder: string;
  let client: ApiClient;
  let createPod: (name: string) => Promise<void>;
  const labels = { 'app.kubernetes.io/name': 'streamspace', 'app.kubernetes.io/component': 'k8s-agent' };
  const create = async (path: string, body: object) =>
    (await client.call<{ metadata: { name: string; uid: string } }>({ method: 'POST', path, body }, soon())).metadata;
  const lockOf = (podName: string) =>
    lockFor(
      readConfig(
        {
          AGENT_ID: 'lab',
          CONTROL_PLANE_URL: 'ws://hub',
          KUBECONFIG: join(folder, 'kubeconfig'),
          STATE_DIR: folder,
          POD_NAME: podName,
          ENABLE_HA: 'true',
        },
        'host',
      ),
      systemClock,
      log,
      process,
      'nonce',
    );

  beforeAll(async () => {
    server = await KubeApiserver.start();
    folder = await mkdtemp(join(tmpdir(), 'lease-'));
    await writeFile(join(folder, 'kubeconfig'), server.kubeconfig('default'));
    const config = new KubeConfig();
    config.loadFromString(server.kubeconfig('default'));
    client = new ApiClient(config);
    const pod = { metadata: { labels }, spec: { containers: [{ name: 'agent', image: 'agent' }] } };
    const spec = { selector: { matchLabels: labels }, template: pod };
    const apps = '/apis/apps/v1/namespaces/default';
    const deployment = await create(`${apps}/deployments`, { metadata: { name: 'streamspace-k8s-agent' }, spec });
    const owned = (kind: string, { name, uid }: { name: string; uid: string }) => [
      { apiVersion: 'apps/v1', kind, name, uid },
    ];
    const replicaSet = await create(`${apps}/replicasets`, {
      metadata: { name: 'streamspace-k8s-agent-7d', labels, ownerReferences: owned('Deployment', deployment) },
      spec,
    });
    createPod = async (name) => {
      await create('/api/v1/namespaces/default/pods', {
        metadata: { name, labels, ownerReferences: owned('ReplicaSet', replicaSet) },
        spec: { ...pod.spec, automountServiceAccountToken: false },
      });
    };
    await createPod('agent-1');
  }, 120_000);
  afterAll(async () => {
    client?.close();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('is owned by its Deployment, held by pod and uid, and taken over when the holder’s pod is deleted; events tell of both', async () => {
    await createPod('agent-0');
    const stop = new AbortController();
    onTestFinished(() => stop.abort(new Error('over')));
    const electors: Elector[] = [];
    const running: Promise<void>[] = [];
    for (const name of ['agent-0', 'agent-1']) {
      const held = await lockOf(name);
      const { lock, identity } = held;
      expect(replicaOf(identity)).toBe(name);
      const timings = { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryPeriodMs: 2_000 };
      const elector = new Elector({ lock, identity, clock: systemClock, ...timings });
      held.attach!(elector);
      electors.push(elector);
      running.push(elector.run(stop.signal));
      await until(() => electors[0]!.leading !== undefined, 'the first to lead');
    }
    const lease = await client.call<{
      metadata: { ownerReferences: object[] };
      spec: { holderIdentity: string; leaseDurationSeconds: number };
    }>(
      { method: 'GET', path: '/apis/coordination.k8s.io/v1/namespaces/default/leases/k8s-agent-leader-election' },
      soon(),
    );
    expect(lease.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'streamspace-k8s-agent' }]);
    expect(lease.spec.holderIdentity).toBe(electors[0]!.identity);
    expect(lease.spec.leaseDurationSeconds).toBe(60);
    // long before the lease expires
    await until(() => electors[1]!.status().holder === electors[0]!.identity, 'the second to see the first');
    const config = new KubeConfig();
    config.loadFromString(server.kubeconfig('default'));
    const { CoreV1Api } = await import('@kubernetes/client-node');
    await config
      .makeApiClient(CoreV1Api)
      .deleteNamespacedPod({ name: 'agent-0', namespace: 'default', gracePeriodSeconds: 0 });
    await until(() => electors[1]!.leading?.term === 2, 'the second to lead');
    // it learns of it by its own watch, which may come later than the other's
    await until(() => electors[0]!.leading === undefined, 'the first to stop');
    await vi.waitUntil(
      async () => {
        const { items } = await config.makeApiClient(CoreV1Api).listNamespacedEvent({ namespace: 'default' });
        return items.filter(({ involvedObject }) => involvedObject.name === 'k8s-agent-leader-election').length >= 3;
      },
      { timeout: 10_000 },
    );
    stop.abort(new Error('over'));
    await Promise.all(running);
  });

  it('a replica that is no pod of the cluster takes part without the kubelet’s word', async () => {
    const { identity } = await lockOf('somewhere-else');
    expect(identity).toBe('somewhere-else@nonce');
    expect(replicaOf(identity)).toBe('somewhere-else');
  });
});
