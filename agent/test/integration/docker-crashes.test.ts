import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '../../src/sessions/docker/options.ts';
import { type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const STEPS: readonly Step[] = [
  'record written',
  'home made',
  'container made',
  'container started',
  'container removed',
  'home removed',
];

describe.skipIf(missing !== undefined)(`docker sessions whose agent dies${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  let count = 0;
  beforeAll(async () => {
    ensureDesktop();
    place = await dockerPlace({ byAddress: true });
  }, 900_000);
  afterAll(() => place?.cleanup());

  const spec = () => desktopSpec(`crash-${place.agentId.slice(5)}-${count++}`);
  /** A driver whose process ends at that step, each time. */
  const dying = (at: Step) =>
    place.makeDriver({
      step(step) {
        if (step === at) throw new Error('the process ends here');
      },
    });

  it.each(STEPS)(
    'at “%s”, in whatever it does: the command that comes again to the next leader is done once',
    async (at) => {
      const one = spec();
      const running = { spec: one, state: 'running' };
      let died = 0;
      /** By a leader that dies, then by the next one. */
      const again = async <T>(
        term: number,
        work: (by: ReturnType<typeof dying>, op: object) => Promise<T>,
      ): Promise<T> => {
        const command = { commandId: `command-${count++}`, signal: soon() };
        await work(dying(at), { ...command, term }).catch(() => (died += 1));
        return work(place.makeDriver(), { ...command, term: term + 1 });
      };
      expect(await again(1, (by, op) => by.create(one, op as never))).toEqual(running);
      expect(await place.running(one.id)).toBe(1);
      await place.markHome(one);
      expect(await again(3, (by, op) => by.hibernate(one.id, op as never))).toEqual({ spec: one, state: 'hibernated' });
      expect(await place.running(one.id)).toBe(0);
      expect(await again(5, (by, op) => by.wake(one.id, op as never))).toEqual(running);
      expect(await place.running(one.id)).toBe(1);
      expect(await place.homeIsMarked(one)).toBe(true);
      await again(7, (by, op) => by.delete(one.id, { deleteHome: true }, op as never));
      expect(await place.running(one.id)).toBe(0);
      expect(await place.homeIsMarked(one)).toBe(false);
      expect((await place.makeDriver().list(soon())).some((status) => status.spec.id === one.id)).toBe(false);
      expect(died).toBeGreaterThan(0);
    },
  );

  it('what a dead leader left is swept up by the next one that watches: a delete half done, a container that no record wants', async () => {
    const [gone, asleep] = [spec(), spec()];
    const driver = place.makeDriver();
    const op = (term: number) => ({ commandId: `command-${count++}`, term, signal: soon() });
    for (const each of [gone, asleep]) await driver.create(each, op(1));
    for (const [each, work] of [
      [gone, () => dying('record written').delete(gone.id, { deleteHome: true }, op(2))],
      [asleep, () => dying('record written').hibernate(asleep.id, op(2))],
    ] as const) {
      await expect(work()).rejects.toThrow();
      expect(await place.running(each.id)).toBe(1);
    }
    const over = new AbortController();
    const watching = place.makeDriver().watch(() => {}, over.signal);
    const ended = async () => (await place.running(gone.id)) + (await place.running(asleep.id)) === 0;
    await until(ended, 'both containers to be removed', LIMIT_MS);
    over.abort();
    await watching;
    const states = (await place.makeDriver().list(soon())).map(({ spec: { id }, state }) => [id, state]);
    expect(states).toContainEqual([asleep.id, 'hibernated']);
    expect(states.some(([id]) => id === gone.id)).toBe(false);
    await driver.delete(asleep.id, { deleteHome: true }, op(3));
  });
});
