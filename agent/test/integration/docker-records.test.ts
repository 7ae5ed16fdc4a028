import { isDeepStrictEqual } from 'node:util';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DockerRecord } from '../../src/sessions/docker/objects/record.ts';
import { recordName } from '../../src/sessions/docker/objects/names.ts';
import { RecordContainers } from '../../src/sessions/docker/state/record-containers.ts';
import { type DockerPlace, dockerPlace, engineMissing } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 30_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);

describe.skipIf(missing !== undefined)(`records in containers${missing ? `: ${missing}` : ''}`, () => {
  let place: DockerPlace;
  let count = 0;
  beforeAll(async () => {
    place = await dockerPlace({ byAddress: true });
  });
  afterAll(() => place?.cleanup());

  const store = () =>
    new RecordContainers({
      agentId: place.agentId,
      engine: place.engine,
      clock: systemClock,
      log: { info() {}, warn() {} },
    });
  const spec = () => desktopSpec(`records-${place.agentId.slice(5)}-${count++}`);
  /** A change by the command of that name. */
  const change = async (
    records: RecordContainers,
    one: SessionSpec,
    current: DockerRecord | undefined,
    commandId: string,
  ): Promise<DockerRecord | undefined> =>
    records.write(
      records.draft(one.id, current, { desired: 'running', spec: one, commandId, term: 1 }),
      current,
      soon(),
    );
  const versions = async (id: string) => {
    const filters = { label: ['app=session-record', `session=${id}`] };
    const found = await place.engine.json<{ Names: string[] }[]>(
      '/containers/json',
      { query: { all: true, filters } },
      soon(),
    );
    return found.map(({ Names }) => Number(/\.r(\d+)$/.exec(Names[0]!)![1])).toSorted((a, b) => a - b);
  };
  const settled = (id: string, expected: number[]) =>
    until(async () => isDeepStrictEqual(await versions(id), expected), `versions ${expected.join(', ')}`, LIMIT_MS);

  it('of ten writers at once one wins, each time, and the others read what it wrote', async () => {
    const one = spec();
    const writers = Array.from({ length: 10 }, (_, n) => ({ name: `writer-${n}`, records: store() }));
    let current: DockerRecord | undefined;
    for (let round = 1; round <= 5; round++) {
      const before = current;
      const results = await Promise.all(
        writers.map(({ records, name }) => change(records, one, before, `${name}-${round}`)),
      );
      const won = results.filter((result) => result !== undefined);
      expect(won).toHaveLength(1);
      current = (await store().read(one.id, soon()))!;
      expect(current).toMatchObject({ commandId: won[0]!.commandId, version: round, instance: round });
    }
    await settled(one.id, [5]);
  });

  it('a writer that slept while others changed the record has lost, though its version’s name is free again', async () => {
    const one = spec();
    const [sleeper, others] = [store(), store()];
    const first = (await change(others, one, undefined, 'first'))!;
    let current = first;
    for (const name of ['second', 'third', 'fourth']) current = (await change(others, one, current, name))!;
    await settled(one.id, [4]);
    expect(await change(sleeper, one, first, 'late')).toBeUndefined();
    expect(await others.read(one.id, soon())).toMatchObject({ version: 4, commandId: 'fourth' });
    await settled(one.id, [4]);
  });

  it('a writer that slept while the session was deleted and forgotten makes none of it', async () => {
    const one = spec();
    const [sleeper, others] = [store(), store()];
    const first = (await change(others, one, undefined, 'first'))!;
    await others.remove(first, soon());
    const tombstone = (await others.read(one.id, soon()))!;
    expect(tombstone).toMatchObject({ done: true });
    // refused while the tombstone stands, and when that has gone too
    expect(await change(sleeper, one, first, 'late')).toBeUndefined();
    await others.forget(tombstone, soon());
    expect(await change(sleeper, one, first, 'later')).toBeUndefined();
    expect(await others.read(one.id, soon())).toBeUndefined();
    await settled(one.id, []);
  });

  it('a winner whose record others have changed before it looked knows that it won', async () => {
    const one = spec();
    const [first, second] = [store(), store()];
    const made = (await change(first, one, undefined, 'first'))!;
    // the engine makes the container of version 2; before its writer looks, another builds on it
    const draft = first.draft(one.id, made, { desired: 'hibernated', commandId: 'mine', term: 1 });
    const slow = new Proxy(place.engine, {
      get(engine, key) {
        if (key !== 'json') return Reflect.get(engine, key) as unknown;
        return async (path: string, ...rest: [object, AbortSignal]) => {
          const answer: unknown = await engine.json(path, ...rest);
          if (path === '/containers/create') {
            const mine = (await second.read(one.id, soon()))!;
            expect(mine).toMatchObject({ commandId: 'mine', version: 2 });
            expect(await change(second, one, mine, 'after')).toMatchObject({ version: 3 });
          }
          return answer;
        };
      },
    });
    const records = new RecordContainers({
      agentId: place.agentId,
      engine: slow,
      clock: systemClock,
      log: { info() {}, warn() {} },
    });
    expect(await records.write(draft, made, soon())).toMatchObject({ commandId: 'mine', version: 2 });
    expect(await second.read(one.id, soon())).toMatchObject({ commandId: 'after', version: 3 });
    await settled(one.id, [3]);
    expect(recordName(one.id, 3)).toBe(`ss-${one.id}.r3`);
  });
});
