import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Pod, V1PodStatus, V1ResourceQuota } from '@kubernetes/client-node';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kubernetesDriver } from '../../src/sessions/kubernetes/index.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { fastClock } from './kubernetes-clock.ts';
import { container } from './kubernetes-kubelet.ts';
import { type KubernetesPlace, kubernetesPlace, until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();
const LIMIT = 40_000;
const soon = () => AbortSignal.timeout(LIMIT);

describe.skipIf(missing !== undefined)(
  `kubernetes sessions that fail${missing ? `: ${missing}` : ''}`,
  () => {
    let server: KubeApiserver;
    let place: KubernetesPlace;
    let count = 0;
    const watching: AbortController[] = [];

    const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
      const id = `s${count++}`;
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
    const op = (term = 1, commandId = `command-${count++}`) => ({ commandId, term, signal: soon() });
    /** A leader that watches; its news by session. */
    const leader = (changes: Parameters<KubernetesPlace['makeDriver']>[0] = {}) => {
      const driver = place.makeDriver(changes);
      const news: { id: string; status: SessionStatus | undefined }[] = [];
      const stop = new AbortController();
      watching.push(stop);
      void driver.watch((id, status) => news.push({ id, status }), stop.signal);
      return { driver, news };
    };
    const left = async (id: string): Promise<string[]> => {
      const query = { labelSelector: `session=${id}` };
      const [pods, services] = await Promise.all([
        place.client.list('pods', query, soon()),
        place.client.list('services', query, soon()),
      ]);
      return [...pods.items, ...services.items].map(({ metadata }) => metadata!.name!);
    };

    beforeAll(async () => {
      server = await KubeApiserver.start();
      place = await kubernetesPlace(server, 'failures', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    }, 90_000);
    afterEach(() => {
      place.kubelet.fate = () => undefined;
      for (const each of watching.splice(0)) each.abort();
    });
    afterAll(async () => {
      await place?.cleanup();
      await server?.stop();
    });

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
      place.kubelet.fate = () => status;
      const { driver, news } = leader({ startDeadline: 4_000, storageClass: 'slow-disk' });
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
      expect((await place.pods()).map(({ metadata }) => metadata!.name)).not.toContain(sessionName(one.id));
      place.kubelet.fate = () => undefined;
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running' });
    });

    it('fails at once where waiting is no use: crash with its exit code, image that is no name', async () => {
      const { driver } = leader();
      place.kubelet.fate = () => ({
        phase: 'Failed',
        containerStatuses: [container({ terminated: { exitCode: 42 } })],
      });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({
        code: 'driver_failed',
        message: expect.stringContaining('exit code 42'),
      });
      place.kubelet.fate = () => ({
        phase: 'Pending',
        containerStatuses: [container({ waiting: { reason: 'InvalidImageName' } })],
      });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({
        message: expect.stringContaining('no valid name'),
      });
    });

    it('names the quota and its numbers', async () => {
      const quota: V1ResourceQuota = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few' },
        spec: { hard: { 'limits.cpu': '50m' } },
      };
      await place.client.create('resourcequotas', quota, soon());
      const path = place.client.path('resourcequotas', 'few', 'status');
      const status = { status: { hard: { 'limits.cpu': '50m' }, used: { 'limits.cpu': '0' } } };
      await place.client.raw('PATCH', path, status, 'application/merge-patch+json', soon());
      try {
        const { driver } = leader();
        const one = spec();
        // admission reads quotas from a cache of its own
        const refused = await until(
          async () =>
            driver.create({ ...one, id: `${one.id}-${count++}` }, op()).then(
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
        await place.client.remove('resourcequotas', 'few', {}, soon());
      }
    });

    it('reports what happens to sessions that run: crash, eviction, lost node and its return, deletion', async () => {
      const { driver, news } = leader();
      const specs = [spec(), spec(), spec(), spec()] as const;
      const [crash, evicted, lost, deleted] = specs;
      await Promise.all(specs.map((each) => driver.create(each, op())));
      const told = (id: string) => news.filter((each) => each.id === id).at(-1)?.status;

      await place.kubelet.crash(sessionName(crash.id), 3);
      await place.kubelet.status(sessionName(evicted.id), {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'low on memory',
      });
      await place.kubelet.status(sessionName(lost.id), { conditions: [{ type: 'Ready', status: 'False' }] });
      await place.client.remove('pods', sessionName(deleted.id), {}, soon());
      await until(async () => specs.every(({ id }) => told(id)?.state === 'failed'), soon());
      expect(told(crash.id)?.reason).toContain('exit code 3');
      expect(told(evicted.id)?.reason).toContain('low on memory');
      expect(told(lost.id)?.reason).toContain('node-1 does not answer');
      expect(told(deleted.id)?.reason).toContain('deleted from outside');

      await place.kubelet.status(sessionName(lost.id), { conditions: [{ type: 'Ready', status: 'True' }] });
      await until(async () => told(lost.id)?.state === 'running', soon());
      // removed by label, as an operator drains by force
      const all = place.client.path('services', sessionName(evicted.id));
      await place.client.raw('DELETE', all, undefined, 'application/json', soon());
      await until(async () => news.some(({ id, status }) => id === evicted.id && status === undefined), soon());
    });

    const steps = {
      create: ['record made', 'home made', 'pod made', 'pod ready'],
      delete: ['record changed', 'pod removed', 'home removed'],
    } as const;
    /** A driver that dies at a step: it stops there, and never says another word. */
    const dying = (at: string) => {
      let reached!: () => void;
      const died = new Promise<void>((resolve) => (reached = resolve));
      const driver = place.makeDriver({
        step: async (step) => {
          if (step !== at) return;
          reached();
          await new Promise(() => undefined);
        },
      });
      return { driver, died: died.then(() => driver.close()) };
    };

    it('agent killed at each step of create: the command delivered again ends in one pod', async () => {
      const { driver: next } = leader();
      await Promise.all(
        steps.create.map(async (step) => {
          const { driver, died } = dying(step);
          const one = spec();
          const commandId = `kill-${step.replace(' ', '-')}`;
          driver.create(one, op(1, commandId)).catch(() => undefined);
          await died;
          expect(await next.create(one, op(2, commandId))).toEqual({ spec: one, state: 'running' });
          expect(await place.running(one.id)).toBe(1);
        }),
      );
    });

    it('agent killed at each step of create, and nobody delivers it again: nothing is left, or it runs and is known', async () => {
      const sessions = await Promise.all(
        steps.create.map(async (step) => {
          const { driver, died } = dying(step);
          const one = spec();
          driver.create(one, op()).catch(() => undefined);
          await died;
          return { one, step };
        }),
      );
      const { driver: next } = leader({ clock: fastClock(20) });
      for (const { one, step } of sessions) {
        const made = step === 'pod made' || step === 'pod ready';
        const states = async () => (await next.list(soon())).find((status) => status.spec.id === one.id)?.state;
        await until(async () => (made ? (await states()) === 'running' : (await left(one.id)).length === 0), soon());
        expect(await place.running(one.id)).toBe(made ? 1 : 0);
        if (made) await next.delete(one.id, { deleteHome: true }, op(2));
      }
    });

    it('agent killed at each step of delete: swept up, home included where that was asked', async () => {
      const sessions = await Promise.all(
        steps.delete.map(async (step) => {
          const { driver, died } = dying(step);
          const one = spec();
          await driver.create(one, op()).catch(() => undefined);
          driver.delete(one.id, { deleteHome: true }, op()).catch(() => undefined);
          await died;
          return one;
        }),
      );
      leader({ clock: fastClock(20) });
      for (const one of sessions) {
        await until(async () => (await left(one.id)).length === 0 && (await place.homeOf(one)) === undefined, soon());
      }
    });

    it('agent killed while it wakes a session: it is hibernated again, not lost', async () => {
      const { driver, died } = dying('record changed');
      const first = place.makeDriver();
      const one = spec();
      await first.create(one, op());
      await first.hibernate(one.id, op());
      driver.wake(one.id, op()).catch(() => undefined);
      await died;
      const { driver: next } = leader({ clock: fastClock(20) });
      await until(
        async () =>
          (await next.list(soon())).some(({ spec: { id }, state }) => id === one.id && state === 'hibernated'),
        soon(),
      );
      expect(await next.wake(one.id, op(2))).toEqual({ spec: one, state: 'running' });
    });

    it('removes the pod that a superseded leader makes for a session that is gone', async () => {
      let release!: () => void;
      const held = new Promise<void>((resolve) => (release = resolve));
      const old = place.makeDriver({ step: (step) => (step === 'home made' ? held : undefined) });
      const { driver: next } = leader({ clock: fastClock(20) });
      const one = spec();
      const late = old.create(one, op(1));
      late.catch(() => undefined);
      await until(async () => (await left(one.id)).length === 1, soon());
      await next.delete(one.id, { deleteHome: true }, op(2));
      release();
      await expect(late).rejects.toMatchObject({ code: expect.any(String) });
      await until(async () => (await left(one.id)).length === 0, soon());
    });

    it('leaves alone what it began to create itself and lost the lead over: another leader is at it', async () => {
      const old = place.makeDriver({ step: (step) => (step === 'pod made' ? new Promise(() => {}) : undefined) });
      const { driver: next } = leader({ clock: fastClock(20) });
      const [one, gone] = [spec(), spec()];
      old.create(one, op(1)).catch(() => undefined);
      await until(async () => (await left(one.id)).length === 2, soon());
      const lost = new AbortController();
      const interrupted = next.create(one, { ...op(2), signal: lost.signal });
      // it has begun, and asks the API server
      await new Promise((resolve) => setImmediate(resolve));
      lost.abort(new Error('lost the lead'));
      await expect(interrupted).rejects.toThrow('lost the lead');
      // a sweep that takes away what is really left over has seen the other, too
      await next.delete(gone.id, { deleteHome: false }, op(2));
      old.create(gone, op(1)).catch(() => undefined);
      await until(async () => (await left(gone.id)).length === 0, soon());
      expect(await left(one.id)).toHaveLength(2);
    });

    it('adopts a pod that nobody knows, and leaves a strange one alone', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op());
      const [made] = (await place.pods()).filter(({ metadata }) => metadata!.name === sessionName(one.id));
      const { labels, annotations } = made!.metadata!;
      const copy = (name: string, more: Partial<V1Pod['metadata']>): V1Pod => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { ...labels!, session: name.slice('session-'.length) }, ...more },
        spec: {
          containers: made!.spec!.containers,
          volumes: made!.spec!.volumes!,
          securityContext: made!.spec!.securityContext!,
        },
      });
      const restored = { ...one, id: 'restored' };
      await place.client.create(
        'pods',
        copy('session-restored', { annotations: { ...annotations!, 'streamspace.io/spec': JSON.stringify(restored) } }),
        soon(),
      );
      await place.client.create('pods', copy('session-strange', {}), soon());
      const warned: object[] = [];
      const { driver: next, news } = leader({
        clock: fastClock(20),
        log: { info() {}, error() {}, warn: (fields) => void warned.push(fields) },
      });
      await until(async () => news.some(({ id, status }) => id === 'restored' && status?.state === 'running'), soon());
      await until(async () => warned.some((fields) => 'pod' in fields && fields.pod === 'session-strange'), soon());
      expect(await place.running('strange')).toBe(1);
      expect(await next.hibernate('restored', op())).toMatchObject({ state: 'hibernated' });
      await place.client.remove('pods', 'session-strange', {}, soon());
    });

    it('lives through an API server that is away: screens go on, changes are told afterwards, a command waits for it', async () => {
      const { driver, news } = leader();
      const one = spec();
      await driver.create(one, op());
      const screen = await driver.connect(one.id, soon());
      await new Promise((resolve) => screen.once('data', resolve));
      await server.down();
      const late = driver.create(spec(), op());
      screen.write('RFB 003.008\n');
      await new Promise((resolve) => screen.once('data', resolve));
      screen.destroy();
      await server.up();
      expect(await late).toMatchObject({ state: 'running' });
      await place.kubelet.crash(sessionName(one.id));
      await until(async () => news.some(({ id, status }) => id === one.id && status?.state === 'failed'), soon());
    });

    it('runs with nothing but the Role of the sessions’ namespace', async () => {
      const rule = (apiGroups: string[], resources: string[], ...verbs: string[]) => ({ apiGroups, resources, verbs });
      const changing = ['get', 'list', 'watch', 'create', 'delete', 'patch'];
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/failures';
      const post = (path: string, body: unknown) =>
        place.client.raw<{ status: { token: string } }>('POST', path, body, 'application/json', soon());
      await post('/api/v1/namespaces/failures/serviceaccounts', { metadata: { name: 'agent' } });
      await post(`${rbac}/roles`, {
        metadata: { name: 'agent' },
        rules: [
          rule([''], ['pods', 'services', 'persistentvolumeclaims'], ...changing),
          rule([''], ['pods/log'], 'get', 'list'),
          rule([''], ['pods/portforward'], 'get', 'create'),
        ],
      });
      await post(`${rbac}/rolebindings`, {
        metadata: { name: 'agent' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'agent' },
        subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'failures' }],
      });
      const { status } = await post('/api/v1/namespaces/failures/serviceaccounts/agent/token', { spec: {} });
      const { driver } = leader({ kubeConfig: place.kubeConfig(status.token) });
      const one = spec();
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      expect(await driver.capacity(soon())).toMatchObject({ max_sessions: 100 });
      await driver.hibernate(one.id, op());
      await driver.wake(one.id, op());
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await left(one.id)).toEqual([]);
      // events may not be read: it says what the pod itself tells
      place.kubelet.fate = () => waits[0]![1];
      const poor = leader({ kubeConfig: place.kubeConfig(status.token), startDeadline: 3_000 }).driver;
      await expect(poor.create(spec(), op())).rejects.toMatchObject({ message: expect.stringMatching(waits[0]![2]) });
    });

    it('checks SESSION_POD_TEMPLATE at the start, with the API server’s own words', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'template-'));
      const start = async (spec: string) => {
        const podTemplatePath = join(folder, 'pod.yaml');
        await writeFile(podTemplatePath, `apiVersion: v1\nkind: Pod\nspec: ${spec}\n`);
        const made = await kubernetesDriver({ ...place.options(), podTemplatePath }, soon());
        return made.close();
      };
      try {
        await start('{ nodeSelector: { a: b } }');
        await expect(start('{ nodeSelektor: { a: b } }')).rejects.toMatchObject({
          setting: 'SESSION_POD_TEMPLATE',
          message: expect.stringMatching(/unknown field "spec\.nodeSelektor"/),
        });
        await expect(start('{ hostNetwork: true }')).rejects.toMatchObject({
          message: expect.stringMatching(/violates PodSecurity "restricted.*host namespaces/),
        });
        await expect(start('{ containers: [{ image: x }] }')).rejects.toMatchObject({
          message: expect.stringContaining('spec.containers[0].name: required'),
        });
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('creates fifty at once', async () => {
      const { driver } = leader();
      const fifty = Array.from({ length: 50 }, () => spec());
      const made = await Promise.all(fifty.map((one) => driver.create(one, op())));
      expect(made.every(({ state }) => state === 'running')).toBe(true);
      for (const one of fifty) expect(await place.running(one.id)).toBe(1);
    });
  },
  60_000,
);
