import type { SessionSpec } from '@streamspace/protocol';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName } from '../../src/sessions/core/names.ts';
import { fastClock } from './kubernetes-clock.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';
import { annotate } from './kubernetes-spoiled.ts';

const missing = kubeApiserverMissing();
const FINALIZER = 'test.example/hold';

describe.skipIf(missing !== undefined)(
  `kubernetes sessions whose commands give up${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('late');
    const { spec, op, leader, left } = suite;
    const finalizers = async (id: string, wanted: string[] | null) => {
      const path = suite.place.client.path('pods', sessionName(id));
      const body = { metadata: { finalizers: wanted } };
      await suite.place.client.raw('PATCH', path, body, 'application/merge-patch+json', soon());
    };
    /** An operation that is given up once `when` is so. */
    const givenUp = async (work: (signal: AbortSignal) => Promise<unknown>, when: () => Promise<boolean>) => {
      const limit = new AbortController();
      const working = work(limit.signal);
      working.catch(() => undefined);
      await until(when, soon());
      limit.abort(new Error('given up'));
      await expect(working).rejects.toMatchObject({ code: 'command_aborted' });
    };
    const ending = async (id: string) =>
      (await suite.place.pods()).some(
        ({ metadata }) => metadata?.name === sessionName(id) && metadata.deletionTimestamp !== undefined,
      );

    it('K2 a delete that was given up is told: that it goes on, what it waits for, and its end', async () => {
      const { driver, news } = leader({ clock: fastClock(20), startDeadline: 600_000 });
      const one = spec();
      const told = () => news.filter(({ id }) => id === one.id);
      await driver.create(one, op());
      await finalizers(one.id, [FINALIZER]);
      const remove = (signal: AbortSignal) => driver.delete(one.id, { deleteHome: true }, { ...op(), signal });
      await givenUp(remove, () => ending(one.id));
      const reason = `It is being deleted: its pod ${sessionName(one.id)} has the finalizers ${FINALIZER}`;
      const status = { spec: one, state: 'failed', reason };
      await until(async () => told().length > 0, soon());
      expect(told().at(-1)).toEqual({ id: one.id, status });
      // the next leader's list has it, too, and its end is told by both
      const { driver: next, news: others } = leader();
      expect(await next.list(soon())).toContainEqual(status);
      await finalizers(one.id, null);
      await until(async () => told().at(-1)!.status === undefined, soon());
      await until(async () => others.some(({ id, status: is }) => id === one.id && is === undefined), soon());
      expect(await left(one.id)).toEqual([]);
      expect(await suite.place.homeOf(one)).toBeUndefined();
      expect(await next.list(soon())).not.toContainEqual(expect.objectContaining({ spec: one }));
    });

    it('K2 a hibernation that was given up is told as what became of it', async () => {
      const { driver, news } = leader();
      const one = spec();
      await driver.create(one, op());
      await finalizers(one.id, [FINALIZER]);
      await givenUp(
        (signal) => driver.hibernate(one.id, { ...op(), signal }),
        () => ending(one.id),
      );
      await until(async () => news.some(({ id, status }) => id === one.id && status?.state === 'hibernated'), soon());
      await finalizers(one.id, null);
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(news.filter(({ id }) => id === one.id).map(({ status }) => status?.state)).toEqual(['hibernated']);
    });

    const claim = async (one: SessionSpec, wanted: string[] | null) => {
      const path = suite.place.client.path('persistentvolumeclaims', homeName(one));
      const body = { metadata: { finalizers: wanted } };
      await suite.place.client.raw('PATCH', path, body, 'application/merge-patch+json', soon());
    };
    const ANEW = 'Its home was missing and has been made again: it is empty';

    it('K7 a session whose home is being deleted says so while it waits, and that it has a new one', async () => {
      const { driver, news } = leader();
      const [one, two] = [spec({ user: 'ada' }), spec({ user: 'ada' })];
      await driver.create(one, op());
      await claim(one, [FINALIZER]);
      await suite.place.client.remove('persistentvolumeclaims', homeName(one), {}, soon());
      const creating = driver.create(two, op());
      const words = async () => news.find(({ id }) => id === two.id)?.status;
      expect(await until(words, soon())).toMatchObject({
        state: 'starting',
        reason: expect.stringContaining(`is being deleted, and a new one can be made only then; pod session-${one.id}`),
      });
      await driver.hibernate(one.id, op());
      await claim(one, null);
      const status = { spec: two, state: 'running', reason: ANEW };
      expect(await creating).toEqual(status);
      expect(await driver.list(soon())).toContainEqual(status);
      for (const { id } of [one, two]) await driver.delete(id, { deleteHome: true }, op());
    });

    it('K7 a session that wakes without its home says that it has a new one, until it sleeps again', async () => {
      const { driver } = leader();
      const one = spec();
      await driver.create(one, op());
      await driver.hibernate(one.id, op());
      await claim(one, null);
      await suite.place.client.remove('persistentvolumeclaims', homeName(one), {}, soon());
      await until(async () => (await suite.place.homeOf(one)) === undefined, soon());
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running', reason: ANEW });
      const next = suite.place.makeDriver();
      expect(await next.list(soon())).toContainEqual({ spec: one, state: 'running', reason: ANEW });
      await driver.hibernate(one.id, op());
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running' });
      await driver.delete(one.id, { deleteHome: true }, op());
    });

    it('K2 a delete ends though somebody annotates the record at the same time', async () => {
      let annotated = Promise.resolve();
      const driver = suite.place.makeDriver({
        step: (step, id) => {
          if (step === 'pod removed') annotated = annotate(suite.place.client, id, { 'somebody.else/note': 'now' });
          return annotated;
        },
      });
      const one = spec();
      await driver.create(one, op());
      await driver.delete(one.id, { deleteHome: false }, op());
      expect(await left(one.id)).toEqual([]);
    });
  },
  60_000,
);
