import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { KubernetesLock } from '../../src/kubernetes/index.ts';
import { KubeApiServer, kubernetesPrograms } from '../support/kube-apiserver.ts';
import { lockContract } from './lock.ts';

const programs = await kubernetesPrograms();

if ('missing' in programs) {
  describe.skip(`kubernetes lock: not run, ${programs.missing}`, () => {
    it('needs etcd and kube-apiserver', () => undefined);
  });
} else {
  describe('with a real API server', () => {
    let server: KubeApiServer;
    beforeAll(async () => {
      server = await KubeApiServer.start(programs);
    }, 90_000);
    afterAll(() => server?.stop());

    lockContract('kubernetes', async () => {
      const namespace = await server.namespace();
      const locks: KubernetesLock[] = [];
      return {
        open: async () => {
          const lock = new KubernetesLock({
            config: server.config(),
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
    });
  });
}
