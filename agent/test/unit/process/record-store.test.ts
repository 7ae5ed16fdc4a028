import { unlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../../src/sessions/process/record.ts';
import { RecordStore } from '../../../src/sessions/process/record-store.ts';

const first: SessionRecord = {
  id: 'one',
  agent: 'agent-1',
  command_id: 'c1',
  term: 1,
  desired: 'deleted',
  instance: 0,
  done: false,
  at: '2026-01-31T12:00:00.000Z',
};

describe('RecordStore', () => {
  let folder: string;
  let store: RecordStore;
  const another = () => new RecordStore((id) => join(folder, id));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamspace-records-'));
    store = another();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('reads what another one wrote, and nothing before', async () => {
    expect(await store.read('one')).toBeUndefined();
    await store.change('one', () => first);
    expect(await another().read('one')).toEqual(first);
  });

  it('loses no change of many writers at once, and makes none twice', async () => {
    await store.change('one', () => first);
    const writers = Array.from({ length: 8 }, another);
    await Promise.all(
      writers.map(async (writer) => {
        for (let i = 0; i < 10; i++)
          await writer.change('one', (current) => ({ ...current!, instance: current!.instance + 1 }));
      }),
    );
    expect((await store.read('one'))?.instance).toBe(80);
    expect(await readdir(join(folder, 'one'))).toHaveLength(1);
  });

  it('decides again for a writer that was overtaken, even if its version has come and gone meanwhile', async () => {
    await store.change('one', () => first);
    const seen: number[] = [];
    await store.change('one', (current) => {
      seen.push(current!.instance);
      if (seen.length === 1) {
        // others wrote versions 2, 3 and 4, and pruned all but the last, while this writer was paused
        writeFileSync(join(folder, 'one', 'session.4.json'), JSON.stringify({ ...first, instance: 30 }));
        unlinkSync(join(folder, 'one', 'session.1.json'));
      }
      return { ...current!, instance: current!.instance + 1 };
    });
    expect(seen).toEqual([0, 30]);
    expect((await store.read('one'))?.instance).toBe(31);
    expect(await readdir(join(folder, 'one'))).toEqual(['session.5.json']);
  });

  it('writes nothing when the decision is to leave it', async () => {
    await store.change('one', () => first);
    const before = await readdir(join(folder, 'one'));
    await store.change('one', (current) => current!);
    expect(await readdir(join(folder, 'one'))).toEqual(before);
  });

  it('ignores what a crash in the middle of a write left', async () => {
    await store.change('one', () => first);
    await writeFile(join(folder, 'one', '.0123456789abcdef.tmp'), '{"half');
    expect(await store.read('one')).toEqual(first);
    await store.change('one', (current) => ({ ...current!, term: 2 }));
    expect((await store.read('one'))?.term).toBe(2);
  });

  it('names the file of a record that is none', async () => {
    await store.change('one', () => first);
    const [name] = await readdir(join(folder, 'one'));
    await writeFile(join(folder, 'one', name!), '{"id": 1}');
    const refusal = { code: 'driver_failed', message: expect.stringContaining(name!) };
    await expect(store.read('one')).rejects.toMatchObject(refusal);
    await expect(store.change('one', () => first)).rejects.toMatchObject(refusal);
    expect(await store.look('one')).toMatchObject({ id: 'one', agent: undefined, term: 0, specLost: true });
  });

  it('forgets only what nobody changed meanwhile', async () => {
    await store.change('one', () => first);
    await another().change('one', (current) => ({ ...current!, term: 2 }));
    await store.forget('one', first);
    expect((await store.read('one'))?.term).toBe(2);
    await store.forget('one', { ...first, term: 2 });
    expect(await store.read('one')).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
    await store.change('one', () => first);
    expect(await store.read('one')).toEqual(first);
  });
});
