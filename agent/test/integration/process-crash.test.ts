import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionDriver } from '../../src/sessions/driver.ts';
import { layout } from '../../src/sessions/process/layout.ts';
import type { CrashPoint } from '../../src/sessions/process/options.ts';
import { xvncMissing } from './process-desktops.ts';
import { HOST, type ProcessPlace, processPlace } from './process-place.ts';

const run = promisify(execFile);
const soon = () => AbortSignal.timeout(25_000);
const spec: SessionSpec = {
  id: 'one',
  user: 'ada',
  template: 'desktop',
  name: 'One',
  cpu: 1,
  memory: 1e9,
  storage: 1e9,
  image: '',
  env: {},
  created_at: '2026-01-31T12:00:00.000Z',
};
const op = (commandId: string, term = 1) => ({ commandId, term, signal: soon() });

async function eventually(what: () => Promise<boolean>): Promise<void> {
  const end = soon();
  while (!(await what())) await pause(20, undefined, { signal: end });
}

/** Processes that carry a session's mark in their environment, or are its hosts. */
async function processesOf(place: ProcessPlace, id: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const env = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    const args = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
    const ours = env.includes(`${place.stateDir}/`) && env.includes(`STREAMSPACE_START=${id}.`);
    if (ours || args.includes(`"state_dir":"${place.stateDir}"`)) found.push(`${name} ${args.replaceAll('\0', ' ')}`);
  }
  return found;
}

describe('process driver: crashes', () => {
  let place: ProcessPlace;
  let driver: SessionDriver;
  beforeEach(async () => {
    place = await processPlace('builtin');
    driver = place.makeDriver();
  });
  afterEach(async () => {
    await driver.delete('one', { deleteHome: true }, op('clean', 1000));
    await place.cleanup();
  });

  /** A driver whose process is gone when it reaches the step: nothing after it happens. */
  const crashingAt = (at: CrashPoint) =>
    place.makeDriver({
      step(step) {
        if (step === at) throw new Error('crash');
      },
    });

  for (const step of ['record written', 'host bound'] as const) {
    it(`a crash of the agent in create after "${step}" is healed by the same command to the next leader`, async () => {
      await expect(crashingAt(step).create(spec, op('c1'))).rejects.toThrow('crash');
      expect((await driver.list(soon())).map(({ spec: { id } }) => id)).toEqual(['one']);
      expect(await driver.create(spec, op('c1', 2))).toEqual({ spec, state: 'running' });
      expect(await place.running('one')).toBe(1);
    });

    it(`a crash of the agent in wake after "${step}" is healed by the same command to the next leader`, async () => {
      await driver.create(spec, op('c1'));
      await driver.hibernate('one', op('c2'));
      await expect(crashingAt(step).wake('one', op('c3'))).rejects.toThrow('crash');
      expect(await driver.wake('one', op('c3', 2))).toEqual({ spec, state: 'running' });
      expect(await place.running('one')).toBe(1);
    });
  }

  it('a crash of the agent in hibernate is healed by the same command, or by list', async () => {
    await driver.create(spec, op('c1', 2));
    for (const heal of [() => driver.hibernate('one', op('c2', 2)), () => driver.list(soon())]) {
      await driver.wake('one', op('c3', 2));
      await expect(crashingAt('record written').hibernate('one', op('c2', 2))).rejects.toThrow('crash');
      expect(await place.running('one')).toBe(1);
      await heal();
      expect(await place.running('one')).toBe(0);
      expect(await driver.list(soon())).toEqual([{ spec, state: 'hibernated' }]);
    }
  });

  it('K2 a delete that nobody carries on with is finished by the next list, its home included; later ones leave the next home alone', async () => {
    await driver.create(spec, op('c1'));
    await place.markHome(spec);
    await expect(crashingAt('record written').delete('one', { deleteHome: true }, op('c2'))).rejects.toThrow('crash');
    expect(await place.makeDriver().list(soon())).toEqual([]);
    expect(await place.running('one')).toBe(0);
    expect(await place.homeIsMarked(spec)).toBe(false);
    const two = { ...spec, id: 'two' };
    await driver.create(two, op('c3'));
    await place.markHome(two);
    await driver.delete('two', { deleteHome: false }, op('c4'));
    await driver.delete('one', { deleteHome: false }, op('c5'));
    expect(await place.homeIsMarked(two)).toBe(true);
    await driver.create(spec, op('c6'));
    await expect(crashingAt('record written').delete('one', { deleteHome: false }, op('c7'))).rejects.toThrow('crash');
    expect(await driver.list(soon())).toEqual([]);
    expect(await place.homeIsMarked(two)).toBe(true);
  });

  for (const step of ['record written', 'host ended', 'home removed', 'files removed'] as const) {
    it(`a crash of the agent in delete after "${step}" is healed by the same command`, async () => {
      await driver.create(spec, op('c1'));
      await place.markHome(spec);
      await expect(crashingAt(step).delete('one', { deleteHome: true }, op('c2'))).rejects.toThrow('crash');
      expect(await driver.list(soon())).toEqual([]);
      expect(await place.running('one')).toBe(0);
      await driver.delete('one', { deleteHome: true }, op('c2', 2));
      expect(await place.homeIsMarked(spec)).toBe(false);
      expect(await readdir(join(place.stateDir, 'sessions', 'one'))).toEqual([
        expect.stringMatching(/^session\.\d+\.json$/),
      ]);
    });
  }

  it('says of a session that was never started that it was not', async () => {
    await expect(crashingAt('record written').create(spec, op('c1'))).rejects.toThrow('crash');
    expect(await driver.list(soon())).toMatchObject([
      { state: 'failed', reason: expect.stringContaining('not started') },
    ]);
  });

  it('a superseded leader that is about to start a host starts nothing that stays', async () => {
    const paused = place.makeDriver({
      step: async (step) => {
        // the old leader is paused here while the next one deletes
        if (step === 'record written') await driver.delete('one', { deleteHome: false }, op('c2', 2));
      },
    });
    await expect(paused.create(spec, op('c1', 1))).rejects.toMatchObject({ code: 'superseded' });
    await eventually(async () => (await processesOf(place, 'one')).length === 0);
    expect(await driver.list(soon())).toEqual([]);
  });

  it('a create that was overtaken by a delete of a higher term is refused, though there was nothing to delete', async () => {
    await driver.delete('one', { deleteHome: true }, op('c2', 2));
    await expect(driver.create(spec, op('c1', 1))).rejects.toMatchObject({ code: 'superseded' });
    expect(await driver.create(spec, op('c3', 2))).toMatchObject({ state: 'running' });
  });

  it('removes a home only when no other session has it, and not for a delete that is repeated later', async () => {
    const two = { ...spec, id: 'two' };
    await driver.create(spec, op('c1'));
    await driver.create(two, op('c2'));
    await place.markHome(spec);
    await driver.delete('one', { deleteHome: true }, op('c3'));
    expect(await place.homeIsMarked(spec)).toBe(true);
    await driver.delete('two', { deleteHome: false }, op('c4'));
    await driver.delete('one', { deleteHome: true }, op('c3'));
    expect(await place.homeIsMarked(spec)).toBe(true);
  });

  it('kills a host that does not end when asked', async () => {
    await driver.create(spec, op('c1'));
    const [pid] = await place.hosts('one');
    process.kill(pid!, 'SIGSTOP');
    await place.makeDriver({ stopMs: 500 }).hibernate('one', op('c2'));
    await expect(access(`/proc/${pid}/fd/0`)).rejects.toThrow();
    expect(await driver.wake('one', op('c3'))).toMatchObject({ state: 'running' });
  });

  it('has no screen when its host was killed, while what the host left behind still takes connections', async () => {
    await driver.create(spec, op('c1'));
    await place.kill('one');
    const { screen } = layout(place.stateDir, tmpdir()).run('one', 1);
    await rm(screen, { force: true });
    const leftBehind = createServer((socket) => socket.destroy()).listen(screen);
    await once(leftBehind, 'listening');
    try {
      await expect(driver.connect('one', soon())).rejects.toMatchObject({ code: 'session_not_running' });
    } finally {
      leftBehind.close();
    }
  });

  it('hibernate and delete resolve when the host’s process has ended, and not when it is about to', async () => {
    // lives on for a while after it has said everything
    const slow = 'process.on("exit",()=>Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,700))';
    const hostCommand = [process.execPath, '--import', `data:text/javascript,${slow}`, HOST];
    const lingering = place.makeDriver({ hostCommand });
    await lingering.create(spec, op('c1'));
    await lingering.hibernate('one', op('c2'));
    expect(await processesOf(place, 'one')).toEqual([]);
    await lingering.wake('one', op('c3'));
    await lingering.delete('one', { deleteHome: true }, op('c4'));
    expect(await processesOf(place, 'one')).toEqual([]);
  });

  it('ends its sessions when their state folder is removed', async () => {
    await driver.create(spec, op('c1'));
    // what runs may write there meanwhile
    await rm(place.stateDir, { recursive: true, force: true, maxRetries: 10 });
    await eventually(async () => (await processesOf(place, 'one')).length === 0);
  });

  it('keeps its sockets where nobody else can open them, and in a short folder when the state folder is a long path', async () => {
    const long = await processPlace('builtin', join(place.stateDir, 'deep/'.repeat(18), 'state'));
    const other = long.makeDriver();
    await other.create(spec, op('c1'));
    const { folder } = layout(long.stateDir, tmpdir()).run('one', 1);
    expect(folder.startsWith(long.stateDir)).toBe(false);
    expect((await stat(folder)).mode & 0o077).toBe(0);
    const client = await RfbClient.open(await other.connect('one', soon()), soon());
    client.close();
    await other.delete('one', { deleteHome: true }, op('c2'));
    await rm(join(folder, '..'), { recursive: true });
    await long.cleanup();
  });

  it('says that the host command is wrong', async () => {
    const broken = place.makeDriver({ hostCommand: ['/nowhere/node'] });
    await expect(broken.create(spec, op('c1'))).rejects.toMatchObject({
      code: 'driver_failed',
      message: expect.stringContaining('/nowhere/node'),
    });
    const silent = place.makeDriver({ hostCommand: [process.execPath, '-e', 'throw new Error("no such luck")', '--'] });
    await expect(silent.create(spec, op('c1'))).rejects.toMatchObject({
      code: 'driver_failed',
      message: expect.stringMatching(/no such luck[^]*host\.log/),
    });
  });

  it('refuses a session when the disk is full, and makes it when there is room again', async ({ skip }) => {
    const full = join(place.stateDir, 'full');
    await mkdir(full);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]).catch(() =>
      skip('needs the right to mount a small file system'),
    );
    try {
      const small = await processPlace('builtin', join(full, 'state'));
      const other = small.makeDriver();
      await writeFile(join(full, 'filler'), Buffer.alloc(1024 * 1024)).catch(() => {});
      await expect(other.create(spec, op('c1'))).rejects.toMatchObject({ code: 'disk_full' });
      await rm(join(full, 'filler'));
      expect(await other.create(spec, op('c1'))).toMatchObject({ state: 'running' });
      await other.delete('one', { deleteHome: true }, op('c2'));
    } finally {
      await run('umount', ['-l', full]);
    }
  });
});

describe.skipIf(xvncMissing)(`process driver: Xvnc${xvncMissing ? ` (skipped: ${xvncMissing})` : ''}`, () => {
  let place: ProcessPlace;
  let driver: SessionDriver;
  beforeEach(async () => {
    place = await processPlace('xvnc');
    driver = place.makeDriver();
  });
  afterEach(async () => {
    for (const {
      spec: { id },
    } of await driver.list(soon()))
      await driver.delete(id, { deleteHome: true }, op('clean', 1000));
    await place.cleanup();
  });

  it('leaves no process behind when its host is killed, nor when it is told to end', async () => {
    await driver.create(spec, op('c1'));
    await eventually(async () => (await processesOf(place, 'one')).some((line) => line.includes('xterm')));
    await place.kill('one');
    await eventually(async () => (await processesOf(place, 'one')).length === 0);
    await driver.wake('one', op('c2'));
    await eventually(async () => (await processesOf(place, 'one')).some((line) => line.includes('xterm')));
    await driver.hibernate('one', op('c3'));
    expect(await processesOf(place, 'one')).toEqual([]);
  });

  it('ends what a session started with nohup', async () => {
    const program = join(place.stateDir, 'program');
    await writeFile(program, '#!/bin/sh\n(trap "" HUP TERM; exec setsid sleep 1000) &\nexec sleep 1000\n');
    await chmod(program, 0o755);
    await driver.create({ ...spec, image: program }, op('c1'));
    await eventually(
      async () => (await processesOf(place, 'one')).filter((line) => line.includes('sleep 1000')).length >= 2,
    );
    await driver.hibernate('one', op('c2'));
    expect(await processesOf(place, 'one')).toEqual([]);
  });

  it('reports why when Xvnc dies, and starts the terminal again when only that is closed', async () => {
    await driver.create(spec, op('c1'));
    const seen: (SessionStatus | undefined)[] = [];
    const watching = new AbortController();
    const watch = driver.watch((_, status) => seen.push(status), watching.signal);
    const pidOf = async (program: string) =>
      (await processesOf(place, 'one'))
        .find((line) => / \S*$/.test(line) && line.split(' ')[1]?.endsWith(`/${program}`))
        ?.split(' ')[0];
    await eventually(async () => (await pidOf('xterm')) !== undefined);
    const terminal = await pidOf('xterm');
    process.kill(Number(terminal), 'SIGTERM');
    await eventually(async () => ![undefined, terminal].includes(await pidOf('xterm')));
    expect(seen).toEqual([]);
    process.kill(Number((await pidOf('Xvnc')) ?? (await pidOf('Xtigervnc'))), 'SIGSEGV');
    await eventually(async () => seen.length > 0);
    expect(seen[0]).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^Xvnc /) });
    watching.abort();
    await watch;
    await eventually(async () => (await processesOf(place, 'one')).length === 0);
  });

  it('gives sessions that start at once displays of their own', async () => {
    const program = join(place.stateDir, 'program');
    await writeFile(program, '#!/bin/sh\necho "$DISPLAY" > "$HOME/display"\nexec sleep 1000\n');
    await chmod(program, 0o755);
    const many = Array.from({ length: 6 }, (_, i) => ({ ...spec, id: `s${i}`, user: `user-${i}`, image: program }));
    await Promise.all(many.map((one) => driver.create(one, op(`c-${one.id}`))));
    const places = layout(place.stateDir, tmpdir());
    const displays = new Set<string>();
    for (const one of many) {
      const file = join(places.home(one.user, one.template), 'display');
      await eventually(async () => (await readFile(file, 'utf8').catch(() => '')) !== '');
      displays.add(await readFile(file, 'utf8'));
    }
    expect(displays.size).toBe(many.length);
  });

  it('says which program of a template is missing', async () => {
    await expect(driver.create({ ...spec, image: 'no-such-program --flag' }, op('c1'))).rejects.toMatchObject({
      code: 'driver_failed',
      message: expect.stringContaining('no-such-program'),
    });
  });
});
