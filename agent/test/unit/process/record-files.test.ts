import { unlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeRecord } from '../../../src/sessions/core/record-store.ts';
import type { VersionedDraft, VersionedRecord } from '../../../src/sessions/core/record-text.ts';
import { RecordFiles } from '../../../src/sessions/process/record-files.ts';

const first: VersionedDraft = {
  id: 'one',
  agent: 'agent-1',
  spec: undefined,
  commandId: 'c1',
  term: 1,
  desired: 'deleted',
  deleteHome: false,
  instance: 0,
  done: false,
  at: '2026-01-31T12:00:00.000Z',
};
const operation = { commandId: 'c2', term: 1, signal: new AbortController().signal };

describe('RecordFiles', () => {
  let folder: string;
  let store: RecordFiles;
  /** Starts that have left something. */
  let starts: number[];
  const another = () =>
    new RecordFiles({
      agentId: 'agent-1',
      clock: systemClock,
      log: { info() {}, warn() {} },
      layout: { session: (id) => join(folder, id), ids: () => Promise.resolve(['one']) },
      starts: () => Promise.resolve(starts),
    });
  const change = (files: RecordFiles, decide: (current: VersionedRecord) => VersionedDraft | undefined) =>
    changeRecord(files, 'one', operation, (current) => decide(current!), { agentId: 'agent-1' });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamspace-records-'));
    starts = [];
    store = another();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('reads what another one wrote, and nothing before', async () => {
    expect(await store.read('one')).toBeUndefined();
    await store.write(first, undefined);
    expect(await another().read('one')).toMatchObject(first);
  });

  it('loses no change of many writers at once, and makes none twice', async () => {
    await store.write(first, undefined);
    const writers = Array.from({ length: 8 }, another);
    await Promise.all(
      writers.map(async (writer) => {
        for (let i = 0; i < 10; i++)
          await change(writer, (current) => ({ ...current, instance: current.instance + 1 }));
      }),
    );
    expect((await store.read('one'))?.instance).toBe(80);
    expect(await readdir(join(folder, 'one'))).toHaveLength(1);
  });

  it('decides again for a writer that was overtaken, even if its version has come and gone meanwhile', async () => {
    await store.write(first, undefined);
    const seen: number[] = [];
    await change(store, (current) => {
      seen.push(current.instance);
      if (seen.length === 1) {
        // others wrote versions 2, 3 and 4, and pruned all but the last, while this writer was paused
        const { commandId: command_id, deleteHome: _, ...same } = first;
        const text = { ...same, command_id };
        writeFileSync(join(folder, 'one', 'session.4.json'), JSON.stringify({ ...text, instance: 30 }));
        unlinkSync(join(folder, 'one', 'session.1.json'));
      }
      return { ...current, instance: current.instance + 1 };
    });
    expect(seen).toEqual([0, 30]);
    expect((await store.read('one'))?.instance).toBe(31);
    expect(await readdir(join(folder, 'one'))).toEqual(['session.5.json']);
  });

  it('writes nothing when the decision is to leave it', async () => {
    await store.write(first, undefined);
    const before = await readdir(join(folder, 'one'));
    await change(store, () => undefined);
    expect(await readdir(join(folder, 'one'))).toEqual(before);
  });

  it('ignores what a crash in the middle of a write left', async () => {
    await store.write(first, undefined);
    await writeFile(join(folder, 'one', '.0123456789abcdef.tmp'), '{"half');
    expect(await store.read('one')).toMatchObject(first);
    await change(store, (current) => ({ ...current, term: 2 }));
    expect((await store.read('one'))?.term).toBe(2);
  });

  it('names the file of a record that is none', async () => {
    await store.write(first, undefined);
    const [name] = await readdir(join(folder, 'one'));
    await writeFile(join(folder, 'one', name!), '{"id": 1}');
    const problem = expect.stringContaining(name!);
    await expect(change(store, () => first)).rejects.toMatchObject({ code: 'driver_failed', message: problem });
    const known = { id: 'one', agent: undefined, term: 0, specLost: true, problem };
    // and which of its starts may be there
    starts = [3];
    expect(await store.read('one')).toMatchObject({ ...known, instance: 3 });
    expect(await store.list()).toMatchObject([known]);
  });

  it('counts the starts of a session on from those that run without a record', async () => {
    starts = [2, 3];
    const draft = store.draft('one', undefined, { desired: 'running', commandId: 'c1', term: 1 });
    expect(draft.instance).toBe(1);
    expect(await store.write(draft, undefined)).toMatchObject({ instance: 4 });
  });

  it('forgets only what nobody changed meanwhile', async () => {
    await store.write(first, undefined);
    const before = await store.read('one');
    await change(another(), (current) => ({ ...current, term: 2 }));
    await store.forget(before!);
    const after = await store.read('one');
    expect(after?.term).toBe(2);
    await store.forget(after!);
    expect(await store.read('one')).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
    await store.write(first, undefined);
    expect(await store.read('one')).toMatchObject(first);
  });
});
