import type { V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import type { WarmTemplate } from '../../src/sessions/core/warm-templates.ts';
import { fastClock } from './kubernetes-clock.ts';
import { type KubernetesPlace, kubernetesPlace, until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();
const soon = () => AbortSignal.timeout(40_000);

const KIOSK: WarmTemplate = {
  id: 'kiosk',
  template: 'kiosk',
  image: '',
  cpu: 0.1,
  memory: 1e8,
  storage: 1e9,
  env: { STREAMSPACE_HOME: 'none' },
  warm: 3,
};

describe.skipIf(missing !== undefined)(
  `warm pool on a real API server${missing ? `: ${missing}` : ''}`,
  () => {
    let server: KubeApiserver;
    let place: KubernetesPlace;
    let count = 0;
    const leaders: { stop: () => Promise<void> }[] = [];

    const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
      const id = `s${count++}`;
      const { template, image, cpu, memory, storage, env } = KIOSK;
      const base = { id, user: `User ${id}`, template, name: '', image, cpu, memory, storage, env };
      return { ...base, created_at: '2026-01-31T12:00:00.000Z', ...changes };
    };
    const op = (term = 1, commandId = `command-${count++}`) => ({ commandId, term, signal: soon() });
    const leader = (changes: Parameters<KubernetesPlace['makeDriver']>[0] = {}) => {
      const driver = place.makeDriver({ warm: [KIOSK], clock: fastClock(10), startDeadline: 300_000, ...changes });
      const stop = new AbortController();
      const watch = driver.watch(() => undefined, stop.signal);
      const end = async () => {
        stop.abort();
        await watch;
      };
      leaders.push({ stop: end });
      return { driver, stop: end };
    };
    const waiting = async (): Promise<V1Pod[]> =>
      (await place.pods()).filter(({ metadata }) => metadata!.labels!['warm'] !== undefined);
    const ready = (pod: V1Pod) =>
      pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    /** So many are ready, and there are no others. */
    const full = (size: number) =>
      until(async () => {
        const pods = await waiting();
        return pods.length === size && pods.every(ready) && pods;
      }, soon()) as Promise<V1Pod[]>;
    const podsOf = async (id: string) =>
      (await place.pods()).filter(({ metadata }) => metadata!.labels!['session'] === id);

    beforeAll(async () => {
      server = await KubeApiserver.start();
    }, 90_000);
    beforeEach(async () => {
      place = await kubernetesPlace(server, `warm-${count++}`, { 'pod-security.kubernetes.io/enforce': 'restricted' });
    });
    afterEach(async () => {
      for (const each of leaders.splice(0)) await each.stop();
      await place.cleanup();
    });
    afterAll(() => server?.stop());

    it('keeps pods ready, gives one to a session, and makes up for it', async () => {
      const { driver } = leader();
      const before = (await full(3)).map(({ metadata }) => metadata!.uid);
      const one = spec();
      expect(await driver.create(one, op(7, 'the-command'))).toEqual({ spec: one, state: 'running' });
      const [pod, ...more] = await podsOf(one.id);
      expect(more).toEqual([]);
      expect(before).toContain(pod!.metadata!.uid);
      expect(pod!.metadata).toMatchObject({
        labels: { app: 'session', agent: 'agent-1', session: one.id, user: expect.stringContaining('User') },
        annotations: {
          'streamspace.io/command': 'the-command',
          'streamspace.io/term': '7',
          'streamspace.io/user': one.user,
        },
        ownerReferences: [{ kind: 'Service', name: sessionName(one.id) }],
      });
      expect(pod!.metadata!.labels).not.toHaveProperty('warm');
      await full(3);
      const screen = await driver.connect(one.id, soon());
      await new Promise((resolve) => screen.once('data', resolve));
      screen.destroy();
      expect(await place.homeOf(one)).toBeUndefined();

      await driver.hibernate(one.id, op(7));
      expect(await podsOf(one.id)).toEqual([]);
      expect(await driver.wake(one.id, op(7))).toEqual({ spec: one, state: 'running' });
      expect(await place.running(one.id)).toBe(1);
      await driver.delete(one.id, { deleteHome: true }, op(7));
      expect(await podsOf(one.id)).toEqual([]);
      await full(3);
    });

    it('gives no pod to two sessions, whoever asks, and all of them run', async () => {
      const [a, b] = [leader().driver, leader().driver];
      await full(3);
      const specs = Array.from({ length: 12 }, () => spec());
      const made = await Promise.all(specs.map((each, index) => (index % 2 ? a : b).create(each, op())));
      expect(made.map(({ state }) => state)).toEqual(specs.map(() => 'running'));
      const pods = await Promise.all(specs.map(({ id }) => podsOf(id)));
      expect(pods.map(({ length }) => length)).toEqual(specs.map(() => 1));
      expect(new Set(pods.flat().map(({ metadata }) => metadata!.uid)).size).toBe(12);
      // what two leaders made for a moment is taken away again
      await full(3);
    });

    it('is not used for what differs from the template, nor for a session with a home', async () => {
      const { driver } = leader();
      const before = new Set((await full(3)).map(({ metadata }) => metadata!.uid));
      const others = [
        spec({ cpu: 0.2 }),
        spec({ image: 'other:1' }),
        spec({ template: 'other' }),
        spec({ env: { STREAMSPACE_HOME: 'none', A: 'b' } }),
        spec({ env: {} }),
      ];
      await Promise.all(others.map((each) => driver.create(each, op())));
      const taken = (await Promise.all(others.map(({ id }) => podsOf(id)))).flat();
      expect(taken).toHaveLength(others.length);
      expect(taken.filter(({ metadata }) => before.has(metadata!.uid))).toEqual([]);
      expect(await place.homeOf(others[4]!)).toBeDefined();
    });

    it('the next leader goes on with the same pods; a changed template replaces them; without one they go', async () => {
      const first = leader();
      const before = (await full(3)).map(({ metadata }) => metadata!.uid);
      await first.stop();
      const second = leader();
      const one = spec();
      await second.driver.create(one, op(2));
      const [claimed] = await podsOf(one.id);
      expect(before).toContain(claimed!.metadata!.uid);
      const then = (await full(3)).map(({ metadata }) => metadata!.uid);
      expect(then.filter((uid) => before.includes(uid))).toHaveLength(2);
      await second.stop();

      const third = leader({ warm: [{ ...KIOSK, image: 'newer:2', warm: 1 }] });
      const [newer] = await full(1);
      expect(newer!.spec!.containers[0]!.image).toBe('newer:2');
      await third.stop();

      leader({ warm: [] });
      await full(0);
      expect(await place.running(one.id)).toBe(1);
    });

    it('leader killed between naming a pod and taking it: the next one finishes with that very pod, or undoes it', async () => {
      const dead = async (at: string) => {
        let reached!: () => void;
        const died = new Promise<void>((resolve) => (reached = resolve));
        const driver = place.makeDriver({
          warm: [KIOSK],
          step: async (step) => {
            if (step !== at) return;
            reached();
            await new Promise(() => undefined);
          },
        });
        const one = spec();
        driver.create(one, op(1, `create-${one.id}`)).catch(() => undefined);
        await died;
        await driver.close();
        return one;
      };
      const first = leader();
      await full(3);
      await first.stop();
      const [again, undone, kept] = [await dead('record made'), await dead('record made'), await dead('pod made')];
      const { driver } = leader();
      expect(await driver.create(again, op(2, `create-${again.id}`))).toEqual({ spec: again, state: 'running' });
      expect(await place.running(again.id)).toBe(1);
      await until(async () => {
        const known = await driver.list(soon());
        const state = (id: string) => known.find((each) => each.spec.id === id)?.state;
        return state(undone.id) === undefined && state(kept.id) === 'running';
      }, soon());
      expect(await place.running(undone.id)).toBe(0);
      expect(await place.running(kept.id)).toBe(1);
      await full(3);
    });

    it('a late claim of a superseded leader takes nothing', async () => {
      const first = leader();
      await full(3);
      await first.stop();
      let release!: () => void;
      const held = new Promise<void>((resolve) => (release = resolve));
      const old = place.makeDriver({ warm: [KIOSK], step: (step) => (step === 'record made' ? held : undefined) });
      const one = spec();
      const late = old.create(one, op(1));
      late.catch(() => undefined);
      await until(async () => (await place.client.list('services', {}, soon())).items.length === 1, soon());
      const { driver } = leader({ warm: [{ ...KIOSK, warm: 0 }] });
      expect(await driver.create(one, op(2))).toEqual({ spec: one, state: 'running' });
      release();
      await expect(late).rejects.toMatchObject({ code: 'superseded' });
      expect(await place.running(one.id)).toBe(1);
      await full(0);
    });

    it('gives way: to MAX_SESSIONS, and to a start that the quota has no room for', async () => {
      const { driver, stop } = leader({ maxSessions: 4 });
      await full(3);
      expect(await driver.capacity(soon())).toMatchObject({ max_sessions: 4 });
      const other = () => spec({ template: 'other' });
      await Promise.all([driver.create(other(), op()), driver.create(other(), op())]);
      await full(2);
      await stop();

      const hard = { pods: '4' };
      await place.client.create(
        'resourcequotas',
        { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard } } as never,
        soon(),
      );
      // this cluster has no controller that counts
      const used = async () => {
        const status = { hard, used: { pods: String((await place.pods()).length) } };
        const path = place.client.path('resourcequotas', 'few', 'status');
        await place.client.raw('PATCH', path, { status }, 'application/merge-patch+json', soon());
      };
      await used();
      const second = leader().driver;
      const counting = new AbortController();
      const counter = (async () => {
        while (!counting.signal.aborted) {
          await used();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      try {
        // admission reads quotas from a cache of its own
        await until(() => second.capacity(soon()).then(({ max_sessions }) => max_sessions === 4), soon());
        const one = other();
        expect(await second.create(one, op())).toEqual({ spec: one, state: 'running' });
        expect(await place.running(one.id)).toBe(1);
        await full(0);
      } finally {
        counting.abort();
        await counter;
      }
    });

    it('goes with the sessions in a force drain by label', async () => {
      const { driver, stop } = leader();
      await full(3);
      await driver.create(spec(), op());
      await stop();
      const drain = `${place.client.path('pods')}?labelSelector=${encodeURIComponent('app=session,agent=agent-1')}`;
      await place.client.raw('DELETE', drain, undefined, 'application/json', soon());
      await until(async () => (await place.pods()).length === 0, soon());
    });

    it('a pod that does not come up is replaced later, not in a loop', async () => {
      place.kubelet.fate = () => ({ phase: 'Failed', containerStatuses: [] });
      const made = new Set<string>();
      const warned: string[] = [];
      leader({ log: { info() {}, warn: (_, message) => void warned.push(message) } });
      await until(async () => {
        for (const { metadata } of await place.pods()) made.add(metadata!.uid!);
        return warned.filter((message) => message.includes('did not start')).length >= 3;
      }, soon());
      expect(made.size).toBeLessThanOrEqual(3);
    });
  },
  60_000,
);
