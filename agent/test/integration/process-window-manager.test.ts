import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SessionSpec } from '@streamspace/protocol';
import { describe, expect, it } from 'vitest';
import { findPrograms } from '../../src/sessions/process/host/programs.ts';
import { layout } from '../../src/sessions/process/layout.ts';
import { xvncMissing } from './process-desktops.ts';
import { processPlace } from './process-place.ts';

const soon = () => AbortSignal.timeout(25_000);
const programs = await findPrograms(process.env['PATH'] ?? '');
const openbox = 'missing' in programs ? undefined : programs.windowManager?.[0];
const missing = xvncMissing || (openbox?.endsWith('/openbox') === true ? '' : 'this machine lacks openbox');
const spec: SessionSpec = {
  id: 'one',
  user: 'ada',
  template: 'desktop',
  name: 'One',
  cpu: 1,
  memory: 1e9,
  storage: 1e9,
  image: 'first-program',
  env: {},
  created_at: '2026-01-31T12:00:00.000Z',
};

describe.skipIf(missing !== '')(`a window manager that is slow to start${missing && ` (not run: ${missing})`}`, () => {
  it('is there before the program: a window that came first would be small, and deaf to the keyboard', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slow-manager-'));
    const place = await processPlace('xvnc');
    const script = (name: string, lines: string) =>
      writeFile(join(folder, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    await script('openbox', `sleep 1\necho manager >> "$HOME/order"\nexec ${openbox} "$@"`);
    await script('first-program', 'echo program >> "$HOME/order"\nexec sleep 60');
    const driver = place.makeDriver({ env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` } });
    const written = () =>
      readFile(join(layout(place.stateDir, tmpdir()).home('ada', 'desktop'), 'order'), 'utf8').catch(() => '');
    try {
      await driver.create(spec, { commandId: 'c1', term: 1, signal: soon() });
      for (const end = soon(); !(await written()).includes('program');) await pause(20, undefined, { signal: end });
      expect(await written()).toBe('manager\nprogram\n');
    } finally {
      await driver.delete('one', { deleteHome: true }, { commandId: 'c2', term: 1, signal: soon() });
      await place.cleanup();
      await rm(folder, { recursive: true });
    }
  });
});
