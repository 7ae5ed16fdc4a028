import { kubeApiserverMissing } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName, oldHomeName } from '../../src/sessions/core/names.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';
import { annotate, spoil } from './kubernetes-spoiled.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(
  `kubernetes sessions whose record can’t be read${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('records');
    const { spec, op, leader, left } = suite;
    const annotations = async (id: string) =>
      (await suite.place.client.get('services', sessionName(id), soon())).metadata!.annotations!;

    it('K1 tells of it at once, logs it, and tells of the session again when the record can be read again', async () => {
      const logged: object[] = [];
      const log = { info() {}, warn: (fields: object) => void logged.push(fields) };
      const { driver, news } = leader({ log });
      const one = spec();
      await driver.create(one, op());
      const before = await annotations(one.id);
      await annotate(suite.place.client, one.id, { 'streamspace.io/phase': 'paused' });
      const told = async () => news.filter(({ id }) => id === one.id).at(-1)?.status;
      const reason = `its record can't be read: its phase is "paused", which this version does not know`;
      await until(async () => (await told())?.state === 'failed', soon());
      expect(await told()).toEqual({ spec: one, state: 'failed', reason });
      expect(logged).toContainEqual({ session: one.id, problem: expect.stringContaining('"paused"') });
      // a leader that comes later says so too, and neither has touched anything
      leader({ log });
      await until(async () => logged.filter((fields) => 'problem' in fields).length === 2, soon());
      expect(await annotations(one.id)).toEqual({ ...before, 'streamspace.io/phase': 'paused' });
      await annotate(suite.place.client, one.id, { 'streamspace.io/phase': 'running' });
      await until(async () => (await told())?.state === 'running', soon());
      await driver.delete(one.id, { deleteHome: true }, op());
    });

    it('K1 deletes the pod and the home of a session by whatever still tells of them', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op());
      await annotate(suite.place.client, one.id, {
        'streamspace.io/spec': null,
        'streamspace.io/pod': '../pods/other',
      });
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await left(one.id)).toEqual([]);
      expect(await suite.place.homeOf(one)).toBeUndefined();
      const two = spec();
      await driver.create(two, op());
      await annotate(suite.place.client, two.id, { 'streamspace.io/spec': '[]', 'streamspace.io/pod': 'warm-other' });
      await driver.delete(two.id, { deleteHome: false }, op());
      expect(await left(two.id)).toEqual([]);
      const three = spec();
      await driver.create(three, op());
      const path = suite.place.client.path('services', sessionName(three.id));
      const labels = { agent: null, session: null };
      await suite.place.client.raw('PATCH', path, { metadata: { labels } }, 'application/merge-patch+json', soon());
      await driver.delete(three.id, { deleteHome: false }, op());
      expect(await left(three.id)).toEqual([]);
    });

    it('S10 two users whose homes earlier versions gave one name have a home each', async () => {
      const { driver } = leader();
      const [one, other] = [spec({ user: 'bob,,%;,x' }), spec({ user: 'bob|/<:<x' })];
      expect(oldHomeName(one)).toBe(oldHomeName(other));
      await suite.place.makeOldHome(one);
      await driver.create(one, op());
      await driver.create(other, op());
      expect(await suite.place.homeIsMarked(one)).toBe(true);
      const claims = (await suite.place.pods())
        .filter(({ metadata }) => [one.id, other.id].includes(metadata?.labels?.['session'] ?? ''))
        .map(({ spec: pod }) => pod!.volumes!.find(({ name }) => name === 'home')!.persistentVolumeClaim!.claimName);
      expect(claims.toSorted()).toEqual([oldHomeName(one), homeName(other)].toSorted());
      // deleted with its home, it takes nobody else's
      await driver.delete(other.id, { deleteHome: true }, op());
      expect(await suite.place.homeIsMarked(one)).toBe(true);
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await suite.place.homeOf(one)).toBeUndefined();
    });

    it('K1 refuses to delete a home that nothing tells of any more, and deletes the session without it', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op());
      await driver.hibernate(one.id, op());
      await spoil(suite.place.client, one.id, 'spec');
      const before = await annotations(one.id);
      await expect(driver.delete(one.id, { deleteHome: true }, op())).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/its spec is no JSON, so nothing says which home.*without its home/),
      });
      expect(await annotations(one.id)).toEqual(before);
      await driver.delete(one.id, { deleteHome: false }, op());
      expect(await left(one.id)).toEqual([]);
      expect(await suite.place.homeOf(one)).toBeDefined();
    });

    it('K1 a superseded leader can’t delete it either, where the term can be read', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op(5));
      await spoil(suite.place.client, one.id, 'phase');
      const late = driver.delete(one.id, { deleteHome: false }, op(4));
      await expect(late).rejects.toMatchObject({ code: 'superseded' });
      expect(await suite.place.running(one.id)).toBe(1);
      await driver.delete(one.id, { deleteHome: true }, op(5));
    });
  },
  60_000,
);
