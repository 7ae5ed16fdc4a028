import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionSpec } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layout } from '../../src/sessions/process/layout.ts';
import { type ProcessPlace, processPlace } from './process-place.ts';

/** Mounts a small file system; the reason when this machine can't. */
function mount(folder: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'needs a file system of its own: run as root, where mounting is allowed';
  }
}
function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
}
const tried = mkdtempSync(join(tmpdir(), 'streamspace-full-'));
const missing = mount(tried);
if (missing === undefined) unmount(tried);

describe.skipIf(missing)(`S8 a full disk${missing === undefined ? '' : ` (${missing})`}`, () => {
  let folder: string;
  let state: string;
  let place: ProcessPlace;
  const op = (commandId: string, term = 2) => ({ commandId, term, signal: AbortSignal.timeout(25_000) });
  const spec: SessionSpec = {
    id: 'full-1',
    user: 'ada',
    template: 'desktop',
    name: '',
    cpu: 1,
    memory: 1e9,
    storage: 1e9,
    image: '',
    env: {},
    created_at: '2026-01-31T12:00:00.000Z',
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'streamspace-full-'));
    mount(folder);
    state = join(folder, 'state');
    place = await processPlace('builtin', state);
  });
  afterEach(async () => {
    await rm(join(folder, 'fill'), { force: true });
    await place.cleanup().finally(() => unmount(folder));
  });

  /** To the last byte. */
  async function fill(file: string): Promise<void> {
    for (let size = 1 << 20; size >= 1; size >>= 1)
      for (;;)
        try {
          await writeFile(file, Buffer.alloc(size), { flag: 'a' });
        } catch {
          break;
        }
    await expect(writeFile(join(folder, 'one-more'), 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
    await rm(join(folder, 'one-more'), { force: true });
  }

  it('the user whose home fills it deletes session and home', async () => {
    const driver = place.makeDriver();
    await driver.create(spec, op('c1'));
    const home = layout(state, tmpdir()).home(spec.user, spec.template);
    await mkdir(home, { recursive: true });
    await fill(join(home, 'fill'));
    await driver.delete(spec.id, { deleteHome: true }, op('c2'));
    expect(await driver.list(AbortSignal.timeout(10_000))).toEqual([]);
    expect(await place.running(spec.id)).toBe(0);
    await expect(stat(home)).rejects.toMatchObject({ code: 'ENOENT' });
    // and there is room again
    await driver.create({ ...spec, id: 'full-2' }, op('c3'));
    await driver.delete('full-2', { deleteHome: true }, op('c4'));
  });

  it('somebody else’s files fill it: the session goes, its home stays; a superseded leader frees nothing', async () => {
    const driver = place.makeDriver();
    await driver.create(spec, op('c1'));
    await fill(join(folder, 'fill'));
    await expect(driver.delete(spec.id, { deleteHome: true }, op('c0', 1))).rejects.toMatchObject({
      code: 'superseded',
    });
    expect(await place.running(spec.id)).toBe(1);
    await driver.delete(spec.id, { deleteHome: false }, op('c2'));
    expect(await driver.list(AbortSignal.timeout(10_000))).toEqual([]);
    expect(await place.running(spec.id)).toBe(0);
    expect(await readdir(join(state, 'homes'))).toHaveLength(1);
  });
});
