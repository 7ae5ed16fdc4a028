import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PortForwarder } from '../../src/sessions/kubernetes/screens/port-forward.ts';
import { connectScreen } from '../../src/sessions/kubernetes/screens/screen.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { driverContract } from '../contract/driver.ts';
import { clusterMissing, type ClusterPlace, clusterPlace, SessionCluster } from './kubernetes-cluster.ts';
import { until } from './kubernetes-place.ts';
import { realScreens } from './kubernetes-real-screens.ts';
import { realSessions } from './kubernetes-real-sessions.ts';
import { realTrouble } from './kubernetes-real-trouble.ts';

const missing = clusterMissing();
/**
 * The short form of the contract: what a kubelet, a scheduler and real volumes could make different. kubernetes-driver.test.ts runs all of it on a real
 * API server; KIND_CONTRACT=all runs all of it here.
 */
const NEEDS_A_KUBELET =
  /^(creates a session whose screen|carries what is typed|serves several|keeps the home|K3 |S10 leaves|hibernates and wakes|reports a session that dies|a session of which only the record|what runs without a record|settles soon|creates ten|says what it can take)/;
const soon = () => AbortSignal.timeout(60_000);

describe.skipIf(missing !== undefined)(
  `kubernetes sessions in a cluster${missing ? `: ${missing}` : ''}`,
  () => {
    let cluster: SessionCluster;
    beforeAll(async () => {
      cluster = await SessionCluster.create();
    }, 900_000);
    afterAll(() => cluster?.remove(), 120_000);

    driverContract(
      'kubernetes, screens through the API server',
      () => clusterPlace(cluster, 'contract', 'port-forward'),
      // ten desktops at once on one small node
      { step: 80_000, ...(process.env['KIND_CONTRACT'] !== 'all' && { only: NEEDS_A_KUBELET }) },
    );

    realScreens(() => cluster);
    realSessions(() => cluster);
    realTrouble(() => cluster);

    describe('real pods', () => {
      let place: ClusterPlace;
      let count = 0;
      const stop = new AbortController();
      const news: { id: string; status: SessionStatus | undefined }[] = [];
      beforeAll(async () => {
        place = await clusterPlace(cluster, 'real', 'port-forward');
        void place.makeDriver().watch((id, status) => news.push({ id, status }), stop.signal);
      }, 150_000);
      afterAll(async () => {
        stop.abort();
        await place.cleanup();
      });
      const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
        const id = `real-${count++}`;
        const base = {
          id,
          user: id,
          template: 'desktop',
          name: '',
          cpu: 0.1,
          memory: 1e8,
          storage: 1e9,
          image: '',
          env: {},
        };
        return { ...base, created_at: '2026-01-31T12:00:00.000Z', ...changes };
      };
      const op = () => ({ commandId: `command-${count++}`, term: 1, signal: soon() });
      const told = (id: string) => news.filter((each) => each.id === id).at(-1)?.status;

      it('shows the same screen by both ways', async ({ skip }) => {
        if (!cluster.routed) skip('pods’ addresses are not reached from here');
        const one = spec();
        const [through, direct] = [place.makeDriver(), place.makeDriver({ screens: 'direct' })];
        await through.create(one, op());
        const pictures = await Promise.all(
          [through, direct].map(async (driver) => {
            const viewer = await RfbClient.open(await driver.connect(one.id, soon()), soon());
            await viewer.firstPicture(soon());
            return viewer;
          }),
        );
        await until(async () => pictures[0]!.picture.width > 0 && equal(pictures[0]!, pictures[1]!), soon());
        for (const viewer of pictures) viewer.close();
        await through.delete(one.id, { deleteHome: true }, op());
      });

      it.for<[string, Partial<SessionSpec>, object, RegExp]>([
        [
          'an image that is nowhere',
          { image: '127.0.0.1:1/none:1' },
          // a pull has to be tried first, and to fail
          { startDeadline: 30_000 },
          /Image 127\.0\.0\.1:1\/none:1 can’t be pulled/,
        ],
        [
          'more CPU than any node has',
          { cpu: 512 },
          { podTemplate: undefined },
          /Can’t be scheduled: 0\/1 nodes are available.*Insufficient cpu/,
        ],
        ['a storage class that is none', {}, { sessionStorageClass: 'none-such' }, /storage class none-such/],
        [
          'a screen that does not start, with its last lines',
          { env: { VNC_GEOMETRY: 'nonsense' } },
          {},
          /exit code 1.*Its last lines:.*geometry/is,
        ],
      ])('fails with its reason: %s', async ([, changes, options, words]) => {
        const driver = place.makeDriver({ startDeadline: 8_000, ...options });
        const one = spec(changes);
        await expect(driver.create(one, op())).rejects.toMatchObject({
          code: 'driver_failed',
          message: expect.stringMatching(words),
        });
        await driver.delete(one.id, { deleteHome: true }, op());
      });

      it('names the quota and its numbers', async () => {
        cluster.kubectl('create', 'quota', 'none', '-n', 'real', '--hard=count/services=100,limits.memory=64Mi');
        try {
          const quota = () => cluster.kubectl('get', 'quota', 'none', '-n', 'real', '-o', 'jsonpath={.status.hard}');
          await until(async () => quota().includes('64Mi'), soon());
          const one = spec();
          await expect(place.makeDriver().create(one, op())).rejects.toMatchObject({
            code: 'at_capacity',
            message: expect.stringMatching(/quota none.*limits\.memory=512Mi.*limits\.memory=64Mi/),
          });
        } finally {
          cluster.kubectl('delete', 'quota', 'none', '-n', 'real');
        }
      });

      it('tells of an eviction and of a crash with the last lines', async () => {
        const driver = place.makeDriver();
        const [evicted, crashed] = [spec(), spec()];
        await Promise.all([driver.create(evicted, op()), driver.create(crashed, op())]);
        const eviction = {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: sessionName(evicted.id), namespace: 'real' },
        };
        await place.client.raw(
          'POST',
          place.client.path('pods', sessionName(evicted.id), 'eviction'),
          eviction,
          'application/json',
          soon(),
        );
        await place.kill(crashed.id);
        await until(async () => told(evicted.id)?.state === 'failed' && told(crashed.id)?.state === 'failed', soon());
        expect(told(evicted.id)?.reason).toMatch(/Evicted/);
        expect(told(crashed.id)?.reason).toMatch(/exit code 137.*Its last lines:/s);
      });

      it('says that a screen can’t be reached when nobody listens', async () => {
        const driver = place.makeDriver();
        const one = spec();
        await driver.create(one, op());
        const pod = { metadata: { name: sessionName(one.id) }, status: {} };
        await expect(
          connectScreen(
            { pod, port: 5999 },
            'port-forward',
            { forwarder: new PortForwarder(place.client), clock: systemClock },
            soon(),
          ),
        ).rejects.toMatchObject({
          code: 'screen_unreachable',
          message: expect.stringMatching(/refused/),
        });
      });
    });
  },
  90_000,
);

const equal = (a: RfbClient, b: RfbClient): boolean =>
  a.picture.pixels.every((pixel, index) => pixel === b.picture.pixels[index]);
