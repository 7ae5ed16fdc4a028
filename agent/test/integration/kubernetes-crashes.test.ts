import type { V1Pod } from '@kubernetes/client-node';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { fastClock } from './kubernetes-clock.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(
  `kubernetes sessions whose agent dies${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('crashes');
    const { spec, op, leader, left, dying } = suite;

    const steps = {
      create: ['record made', 'home made', 'pod made', 'pod ready'],
      delete: ['record changed', 'pod removed', 'home removed'],
    } as const;

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
          expect(await suite.place.running(one.id)).toBe(1);
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
      const { driver: next } = leader({ clock: fastClock(20), startDeadline: 600_000 });
      for (const { one, step } of sessions) {
        const made = step === 'pod made' || step === 'pod ready';
        const states = async () => (await next.list(soon())).find((status) => status.spec.id === one.id)?.state;
        await until(async () => (made ? (await states()) === 'running' : (await left(one.id)).length === 0), soon());
        expect(await suite.place.running(one.id)).toBe(made ? 1 : 0);
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
      leader({ clock: fastClock(20), startDeadline: 600_000 });
      for (const one of sessions) {
        await until(
          async () => (await left(one.id)).length === 0 && (await suite.place.homeOf(one)) === undefined,
          soon(),
        );
      }
    });

    it('agent killed while it wakes a session: it is hibernated again, not lost', async () => {
      const { driver, died } = dying('record changed');
      const first = suite.place.makeDriver();
      const one = spec();
      await first.create(one, op());
      await first.hibernate(one.id, op());
      driver.wake(one.id, op()).catch(() => undefined);
      await died;
      const { driver: next } = leader({ clock: fastClock(20), startDeadline: 600_000 });
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
      const old = suite.place.makeDriver({ step: (step) => (step === 'home made' ? held : undefined) });
      const { driver: next } = leader({ clock: fastClock(20), startDeadline: 600_000 });
      const one = spec();
      const late = old.create(one, op(1));
      late.catch(() => undefined);
      await until(async () => (await left(one.id)).length === 1, soon());
      await next.delete(one.id, { deleteHome: true }, op(2));
      release();
      await expect(late).rejects.toMatchObject({ code: expect.any(String) });
      await until(async () => (await left(one.id)).length === 0, soon());
    });

    it('a session that was deleted stays so, though a superseded leader makes its record late and nobody remembers', async () => {
      // what is on its way when a leader loses the lead is one write: after it, it sees that its signal is aborted
      const { driver: old, died } = dying('record made');
      const { driver: deleter } = leader();
      const one = spec();
      await deleter.delete(one.id, { deleteHome: true }, op(2));
      old.create(one, op(1)).catch(() => undefined);
      await died;
      expect(await left(one.id)).toHaveLength(1);
      // another process, that has never heard of the delete
      const { driver: next, news } = leader({ clock: fastClock(20), startDeadline: 600_000 });
      await until(async () => (await left(one.id)).length === 0, soon());
      expect(await suite.place.running(one.id)).toBe(0);
      expect(await next.list(soon())).not.toContainEqual(expect.objectContaining({ spec: one }));
      expect(news.filter(({ id, status }) => id === one.id && status?.state === 'running')).toEqual([]);
    });

    it('adopts a pod that nobody knows, and leaves a strange one alone', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op());
      const [made] = (await suite.place.pods()).filter(({ metadata }) => metadata!.name === sessionName(one.id));
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
      await suite.place.client.create(
        'pods',
        copy('session-restored', { annotations: { ...annotations!, 'streamspace.io/spec': JSON.stringify(restored) } }),
        soon(),
      );
      await suite.place.client.create('pods', copy('session-strange', {}), soon());
      const warned: object[] = [];
      const { driver: next, news } = leader({
        clock: fastClock(20),
        startDeadline: 600_000,
        log: { info() {}, warn: (fields) => void warned.push(fields) },
      });
      await until(async () => news.some(({ id, status }) => id === 'restored' && status?.state === 'running'), soon());
      await until(async () => warned.some((fields) => 'pod' in fields && fields.pod === 'session-strange'), soon());
      expect(await suite.place.running('strange')).toBe(1);
      expect(await next.hibernate('restored', op())).toMatchObject({ state: 'hibernated' });
      await suite.place.client.remove('pods', 'session-strange', {}, soon());
    });

    it('lives through an API server that is away: screens go on, changes are told afterwards, a command waits for it', async () => {
      const { driver, news } = leader();
      const one = spec();
      await driver.create(one, op());
      const screen = await driver.connect(one.id, soon());
      await new Promise((resolve) => screen.once('data', resolve));
      await suite.server.down();
      const late = driver.create(spec(), op());
      screen.write('RFB 003.008\n');
      await new Promise((resolve) => screen.once('data', resolve));
      screen.destroy();
      await suite.server.up();
      expect(await late).toMatchObject({ state: 'running' });
      await suite.place.kubelet.crash(sessionName(one.id));
      await until(async () => news.some(({ id, status }) => id === one.id && status?.state === 'failed'), soon());
    });

    it('creates fifty at once', async () => {
      const { driver } = leader();
      const fifty = Array.from({ length: 50 }, () => spec());
      const made = await Promise.all(fifty.map((one) => driver.create(one, op())));
      expect(made.every(({ state }) => state === 'running')).toBe(true);
      for (const one of fifty) expect(await suite.place.running(one.id)).toBe(1);
    });
  },
  60_000,
);
