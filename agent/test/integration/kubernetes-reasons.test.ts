import type { V1PodStatus, V1ResourceQuota } from '@kubernetes/client-node';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { container } from './kubernetes-kubelet.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(
  `kubernetes sessions that fail say why${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('reasons');
    const { spec, op, leader } = suite;

    it('pods are admitted under Pod Security restricted', async () => {
      const { driver } = leader();
      const one = spec();
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
    });

    const waits: [string, status: V1PodStatus, words: RegExp][] = [
      [
        'unschedulable, with the scheduler’s message',
        {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/2 nodes are available: 2 Insufficient cpu.',
            },
          ],
        },
        /0\/2 nodes are available: 2 Insufficient cpu/,
      ],
      [
        'image pull back-off, with the image',
        {
          phase: 'Pending',
          containerStatuses: [
            container(
              { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } },
              { image: 'nowhere/none:1' },
            ),
          ],
        },
        /nowhere\/none:1/,
      ],
      [
        'home pending, with its class',
        {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: 'pod has unbound immediate PersistentVolumeClaims',
            },
          ],
        },
        /storage class slow-disk/,
      ],
    ];
    it.for(waits)('says while it waits and when it gives up: %s', async ([, status, words]) => {
      suite.place.kubelet.fate = () => status;
      const { driver, news } = leader({ startDeadline: 4_000, sessionStorageClass: 'slow-disk' });
      const one = spec();
      await expect(driver.create(one, op())).rejects.toMatchObject({
        code: 'driver_failed',
        message: expect.stringMatching(words),
      });
      expect(news).toContainEqual({
        id: one.id,
        status: { spec: one, state: 'starting', reason: expect.stringMatching(words) },
      });
      expect(await driver.list(soon())).toContainEqual({
        spec: one,
        state: 'failed',
        reason: expect.stringMatching(words),
      });
      // what can't start does not stay, to start when nobody expects it
      expect((await suite.place.pods()).map(({ metadata }) => metadata!.name)).not.toContain(sessionName(one.id));
      suite.place.kubelet.fate = () => undefined;
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running' });
    });

    it('[ERR2] fails at once where waiting is no use: crash with its exit code, image that is no name', async () => {
      const { driver } = leader();
      suite.place.kubelet.fate = () => ({
        phase: 'Failed',
        containerStatuses: [container({ terminated: { exitCode: 42 } })],
      });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({
        code: 'driver_failed',
        message: expect.stringContaining('exit code 42'),
        details: { failure: 'exited' },
      });
      suite.place.kubelet.fate = () => ({
        phase: 'Pending',
        containerStatuses: [container({ waiting: { reason: 'InvalidImageName' } })],
      });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({
        message: expect.stringContaining('no valid name'),
        details: { failure: 'image' },
      });
    });

    it('names the quota and its numbers', async () => {
      const quota: V1ResourceQuota = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few' },
        spec: { hard: { 'limits.cpu': '50m' } },
      };
      await suite.place.client.create('resourcequotas', quota, soon());
      const path = suite.place.client.path('resourcequotas', 'few', 'status');
      const status = { status: { hard: { 'limits.cpu': '50m' }, used: { 'limits.cpu': '0' } } };
      await suite.place.client.raw('PATCH', path, status, 'application/merge-patch+json', soon());
      try {
        const { driver } = leader();
        // admission reads quotas from a cache of its own
        const refused = await until(
          async () =>
            driver.create(spec(), op()).then(
              () => undefined,
              (error: unknown) => error,
            ),
          soon(),
        );
        expect(refused).toMatchObject({
          code: 'at_capacity',
          message: expect.stringMatching(/quota few.*limits\.cpu=100m.*limits\.cpu=50m/),
        });
        expect(
          (await driver.list(soon())).filter(({ state }) => state === 'failed').map(({ reason }) => reason),
        ).toContainEqual(expect.stringMatching(/limits\.cpu=50m/));
        expect(await driver.capacity(soon())).toMatchObject({ cpu: expect.closeTo(0.05, 2) });
      } finally {
        await suite.place.client.remove('resourcequotas', 'few', {}, soon());
      }
    });

    it('reports what happens to sessions that run: crash, eviction, lost node and its return, deletion', async () => {
      const { driver, news } = leader();
      const specs = [spec(), spec(), spec(), spec()] as const;
      const [crash, evicted, lost, deleted] = specs;
      await Promise.all(specs.map((each) => driver.create(each, op())));
      const told = (id: string) => news.filter((each) => each.id === id).at(-1)?.status;

      await suite.place.kubelet.crash(sessionName(crash.id), 3);
      await suite.place.kubelet.status(sessionName(evicted.id), {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'low on memory',
      });
      await suite.place.kubelet.status(sessionName(lost.id), { conditions: [{ type: 'Ready', status: 'False' }] });
      await suite.place.client.remove('pods', sessionName(deleted.id), {}, soon());
      await until(async () => specs.every(({ id }) => told(id)?.state === 'failed'), soon());
      expect(told(crash.id)?.reason).toContain('exit code 3');
      expect(told(evicted.id)?.reason).toContain('low on memory');
      expect(told(lost.id)?.reason).toContain('node-1 does not answer');
      expect(told(deleted.id)?.reason).toContain('deleted from outside');

      await suite.place.kubelet.status(sessionName(lost.id), { conditions: [{ type: 'Ready', status: 'True' }] });
      await until(async () => told(lost.id)?.state === 'running', soon());
      // removed by label, as an operator drains by force
      const all = suite.place.client.path('services', sessionName(evicted.id));
      await suite.place.client.raw('DELETE', all, undefined, 'application/json', soon());
      await until(async () => news.some(({ id, status }) => id === evicted.id && status === undefined), soon());
    });
  },
  60_000,
);
