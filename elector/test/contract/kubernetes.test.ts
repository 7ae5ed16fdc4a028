import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { systemClock, withDeadline } from 'clock-port';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KubernetesLock, TERM_ANNOTATION, type Lease } from '../../src/kubernetes/index.ts';
import { until } from '../support/programs.ts';
import { TcpProxy } from '../support/proxy.ts';
import { lockContract } from './lock.ts';

const missing = kubeApiserverMissing();

if (missing !== undefined) {
  describe.skip(`kubernetes lock: not run, ${missing}`, () => {
    it('needs etcd and kube-apiserver', () => undefined);
  });
} else {
  describe('with a real API server', () => {
    let server: KubeApiserver;
    beforeAll(async () => {
      server = await KubeApiserver.start();
    }, 90_000);
    afterAll(() => server?.stop());

    lockContract(
      'kubernetes',
      async () => {
        const namespace = await server.namespace();
        const locks: KubernetesLock[] = [];
        return {
          open: async () => {
            const lock = new KubernetesLock({
              config: await server.config(),
              clock: systemClock,
              namespace,
              name: 'the-lease',
              podSelector: 'app=agent',
            });
            locks.push(lock);
            return lock;
          },
          delete: async () => {
            await server.request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/the-lease`);
          },
          close: async () => {
            for (const lock of locks) lock.close();
          },
        };
      },
      { announces: false },
    );

    describe('kubernetes lock', () => {
      const { signal } = new AbortController();
      const at = '2030-01-01T00:00:00.000Z';
      const record = { holder: 'a', term: 1, durationMs: 4000, acquiredAt: at, renewedAt: at, transitions: 0 };
      let namespace: string;
      let lock: KubernetesLock;
      const get = async (path: string) =>
        server.request('GET', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/${path}`);

      beforeEach(async () => {
        namespace = await server.namespace();
        lock = new KubernetesLock({
          config: await server.config(),
          clock: systemClock,
          namespace,
          name: 'the-lease',
          labels: { app: 'agent' },
          owner: {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'agent',
            uid: '2f3c9a9e-2e0a-4c0e-8d53-3e0f7ad2c001',
          },
          podSelector: 'app=agent',
        });
      });
      afterEach(() => lock.close());

      it('makes a Lease that its Deployment owns, and writes the term with the holder', async () => {
        await lock.create(record, signal);
        expect(await get('leases/the-lease')).toMatchObject({
          metadata: {
            labels: { app: 'agent' },
            annotations: { [TERM_ANNOTATION]: '1' },
            ownerReferences: [{ kind: 'Deployment', name: 'agent' }],
          },
          spec: {
            holderIdentity: 'a',
            leaseDurationSeconds: 4,
            acquireTime: '2030-01-01T00:00:00.000000Z',
            renewTime: '2030-01-01T00:00:00.000000Z',
            leaseTransitions: 0,
          },
        });
      });

      it('tells of the term of a Lease that was made and deleted before the watch told of it', async () => {
        const proxy = await TcpProxy.start(server.port);
        const options = { clock: systemClock, namespace, name: 'the-lease' };
        const late = new KubernetesLock({ config: await server.config(proxy.port), ...options });
        const remove = () =>
          server.request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/the-lease`);
        const end = new AbortController();
        const told: (number | undefined)[] = [];
        const watching = late.watch((state) => told.push(state?.record.term), end.signal);
        await until(() => told.length === 1, 10_000, 'a list');
        await lock.create({ ...record, term: 3 }, signal);
        await remove();
        await until(() => told.length === 3, 10_000, 'the events of the first Lease');
        proxy.hold();
        await lock.create({ ...record, term: 4 }, signal);
        await remove();
        // through another connection, as a write is: the watch's is held
        const near = new KubernetesLock({ config: await server.config(), ...options });
        const version = await near.create({ ...record, holder: 'b', term: 4 }, signal);
        const before = late.termBefore(version, signal);
        proxy.release();
        await expect(withDeadline(systemClock, 10_000, 'the watch', undefined, () => before)).resolves.toBe(4);
        // and at once where the watch is that far already
        await expect(late.termBefore(version, signal)).resolves.toBe(4);
        end.abort();
        await watching;
        near.close();
        late.close();
        await proxy.stop();
      });

      it('leaves what others wrote into the Lease', async () => {
        await lock.create(record, signal);
        const lease = (await get('leases/the-lease')) as unknown as Lease;
        const metadata = { ...lease.metadata, labels: { app: 'agent', theirs: 'yes' } };
        const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/the-lease`;
        await server.request('PUT', path, { ...lease, metadata });
        const state = await lock.read(signal);
        await lock.update({ ...record, term: 2 }, state!.version, signal);
        expect(await get('leases/the-lease')).toMatchObject({ metadata: { labels: { theirs: 'yes' } } });
      });

      it('says in words that the namespace is missing', async () => {
        const lost = new KubernetesLock({
          config: await server.config(),
          clock: systemClock,
          namespace: 'nowhere',
          name: 'x',
        });
        await expect(lost.create(record, signal)).rejects.toThrow(/404 namespaces "nowhere" not found/);
        lost.close();
      });

      it('writes an Event on the Lease', async () => {
        await lock.create(record, signal);
        await lock.recordEvent({ message: 'a became leader, term 1 (created)', type: 'Normal', at }, signal);
        const events = await server.request('GET', `/api/v1/namespaces/${namespace}/events`);
        expect(events['items']).toMatchObject([
          {
            involvedObject: { kind: 'Lease', name: 'the-lease' },
            reason: 'LeaderElection',
            message: 'a became leader, term 1 (created)',
          },
        ]);
      });

      it('lists the running pods of the selector as candidates', async () => {
        const pods = `/api/v1/namespaces/${namespace}/pods`;
        const make = (name: string, labels: object) =>
          server.request('POST', pods, {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name, labels },
            spec: { nodeName: 'a-node', containers: [{ name: 'agent', image: 'agent' }] },
          });
        const pod = await make('agent-0', { app: 'agent' });
        await make('other-0', { app: 'other' });
        expect(await lock.candidates(signal)).toEqual([]);
        const startTime = '2030-01-01T00:00:00Z';
        await server.request('PUT', `${pods}/agent-0/status`, { ...pod, status: { phase: 'Running', startTime } });
        const { uid } = pod['metadata'] as { uid: string };
        expect(await lock.candidates(signal)).toEqual([{ identity: `agent-0_${uid}`, since: startTime }]);
      });

      it('knows that the holder’s pod was deleted', async () => {
        const pods = `/api/v1/namespaces/${namespace}/pods`;
        const pod = await server.request('POST', pods, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'agent-0' },
          spec: { nodeName: 'a-node', containers: [{ name: 'agent', image: 'agent' }] },
        });
        const { uid } = pod['metadata'] as { uid: string };
        const proxy = await TcpProxy.start(server.port);
        const far = new KubernetesLock({
          config: await server.config(proxy.port),
          clock: systemClock,
          namespace,
          name: 'x',
        });
        const gone = far.holderGone({ ...record, holder: `agent-0_${uid}` }, signal);
        gone.catch(() => undefined);
        // the watch's connection comes after the list's: by then it has seen the pod
        await until(() => proxy.connections >= 2, 10_000, 'a watch');
        await server.request('DELETE', `${pods}/agent-0?gracePeriodSeconds=0`);
        await expect(withDeadline(systemClock, 10_000, 'evidence', undefined, () => gone)).resolves.toBe(
          'its pod is gone',
        );
        far.close();
        await proxy.stop();
      });
    });
  });
}
