import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findIsolation, type Isolation, isolationOf } from '../../src/sessions/process/isolation.ts';
import { layout } from '../../src/sessions/process/layout.ts';
import { isolation, isolationMissing, xvncMissing } from './process-desktops.ts';
import { type ProcessPlace, processPlace } from './process-place.ts';

const soon = () => AbortSignal.timeout(25_000);
let commands = 0;
const op = () => ({ commandId: `c${commands++}`, term: 1, signal: soon() });
const spec = (id: string, user: string, changes: Partial<SessionSpec> = {}): SessionSpec => ({
  id,
  user,
  template: 'desktop',
  name: 'One',
  cpu: 1,
  memory: 1e9,
  storage: 1e9,
  image: '',
  env: {},
  created_at: '2026-01-31T12:00:00.000Z',
  ...changes,
});
const lacking = isolationOf('auto', '', 'bwrap is not on PATH');

async function readWhenThere(file: string): Promise<string> {
  const end = soon();
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
    await pause(20, undefined, { signal: end });
  }
}

/** What a hostile user types into the terminal. It is told where everything is. */
const ATTACK = `
exec 2>/dev/null
{
  cat $STATE/secrets.json $STATE/agents/*/credential $STATE/homes/*/*/diary $STATE/sessions/*/*
  cat $STATE/../*/secrets.json
  cat /proc/[0-9]*/root$STATE/secrets.json /proc/[0-9]*/cwd/diary
  # nothing but what this test put there
  grep -aoh 'env-[0-9a-f]*' /proc/[0-9]*/environ
  kill -0 $HUB && echo can-signal-the-hub
  touch $STATE/planted /usr/planted /etc/planted && echo can-write
  ls -R $STATE/run
  ls -d $STATE && echo sees-the-state-folder
  [ -r /etc/shadow ] && [ -s /etc/shadow ] && echo reads-shadow
} > found
ln -sf $FOREIGN /run/session/screen
mv found finished
sleep 1000
`;

describe.skipIf(xvncMissing)(`S1 sessions on one machine${xvncMissing ? ` (skipped: ${xvncMissing})` : ''}`, () => {
  const secret = (what: string) => `${what}-${randomBytes(8).toString('hex')}`;
  let folder: string;
  let hub: ChildProcess;
  let secrets: Record<'jwt' | 'credential' | 'diary' | 'environment', string>;
  const places: ProcessPlace[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamspace-isolation-'));
    secrets = { jwt: secret('jwt'), credential: secret('ssa'), diary: secret('diary'), environment: secret('env') };
    hub = spawn('sleep', ['1000'], { env: { JWT_SECRET: secrets.environment }, stdio: 'ignore' });
    await mkdir(join(folder, 'agents/lab'), { recursive: true });
    await writeFile(join(folder, 'secrets.json'), secrets.jwt, { mode: 0o600 });
    await writeFile(join(folder, 'agents/lab/credential'), secrets.credential, { mode: 0o600 });
  });
  afterEach(async () => {
    hub.kill('SIGKILL');
    for (const place of places.splice(0)) {
      const driver = place.makeDriver();
      for (const { spec } of await driver.list(soon())) await driver.delete(spec.id, { deleteHome: true }, op());
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function place(by: Isolation) {
    const made = await processPlace('xvnc', folder, by);
    places.push(made);
    return made;
  }
  const homeOf = ({ user, template }: SessionSpec) => layout(folder, tmpdir()).home(user, template);
  const put = async (file: string, text: string) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };

  /** Ada has a session and a diary; Mallory's terminal runs the attack, and a viewer looks at his screen. Returns what he found. */
  async function attack(by: Isolation): Promise<{ found: string; foreign: number }> {
    const driver = (await place(by)).makeDriver();
    const ada = spec('ada-1', 'ada');
    await driver.create(ada, op());
    await put(join(homeOf(ada), 'diary'), secrets.diary);
    // a screen, or anything else that listens, which is not Mallory's
    const foreign = join(folder, 'foreign');
    let connections = 0;
    const server = createServer(() => connections++).listen(foreign);
    try {
      const env = { STATE: folder, HUB: `${hub.pid}`, FOREIGN: foreign };
      const mallory = spec('mallory-1', 'mallory', { image: 'sh attack.sh', env });
      await put(join(homeOf(mallory), 'attack.sh'), ATTACK);
      await driver.create(mallory, op());
      const found = await readWhenThere(join(homeOf(mallory), 'finished'));
      const viewer = await driver.connect(mallory.id, soon()).catch(() => undefined);
      // what is on the other side of the link would have been told by now
      await new Promise((resolve) => viewer?.once('data', resolve).once('end', resolve) ?? resolve(undefined));
      viewer?.destroy();
      return { found, foreign: connections };
    } finally {
      server.close();
    }
  }

  it.skipIf(isolationMissing)(
    `in a sandbox, a terminal reads no other home, credential, secret or environment${isolationMissing}`,
    async () => {
      const { found, foreign } = await attack(isolation);
      for (const [what, text] of Object.entries(secrets)) expect(found, what).not.toContain(text);
      expect(found).not.toMatch(/can-|sees-|reads-/);
      expect(foreign).toBe(0);
    },
  );

  it('SESSION_ISOLATION=none: users share what the agent’s user has, as the documents say', async () => {
    const { found } = await attack({ state: 'shared' });
    for (const [what, text] of Object.entries(secrets)) expect(found, what).toContain(text);
    expect(found).toContain('can-signal-the-hub');
  });

  it('auto, where bubblewrap does not work: a second user is refused, with the remedy, until the first one has nothing here', async () => {
    const driver = (await place(lacking)).makeDriver();
    const [ada, more, mallory] = [spec('ada-1', 'ada'), spec('ada-2', 'ada'), spec('mallory-1', 'mallory')];
    expect(driver.isolation).toBe('one_user');
    await driver.create(ada, op());
    const remedy = /apt-get install bubblewrap[^]*SESSION_ISOLATION=none/;
    await expect(driver.create(mallory, op())).rejects.toMatchObject({ message: expect.stringMatching(remedy) });
    expect((await driver.list(soon())).find((status) => status.spec.id === mallory.id)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(remedy),
    });
    await driver.create(more, op());
    await driver.hibernate(ada.id, op());
    await driver.delete(more.id, { deleteHome: false }, op());
    await expect(driver.wake(mallory.id, op())).rejects.toMatchObject({ code: 'driver_failed' });
    await driver.wake(ada.id, op());
    await driver.delete(ada.id, { deleteHome: true }, op());
    expect(await driver.wake(mallory.id, op())).toMatchObject({ state: 'running' });
  });

  it('auto, where bubblewrap does not work: of two users at once one is first', async () => {
    const driver = (await place(lacking)).makeDriver();
    const both = [spec('ada-1', 'ada'), spec('mallory-1', 'mallory')];
    const made = await Promise.allSettled(both.map((one) => driver.create(one, op())));
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('required, where bubblewrap does not work: nobody gets a session, and the reason is the remedy', async () => {
    const driver = (await place(isolationOf('required', '', 'bwrap is not on PATH'))).makeDriver();
    const ada = spec('ada-1', 'ada');
    await expect(driver.create(ada, op())).rejects.toMatchObject({
      message: expect.stringContaining('bubblewrap'),
      details: { failure: 'permission' },
    });
    expect(await driver.list(soon())).toMatchObject([{ state: 'failed', reason: expect.stringContaining('required') }]);
  });
});

describe('S1 which isolation is in force', () => {
  const ask = (mode: 'auto' | 'required' | 'none', path: string) =>
    findIsolation(mode, { PATH: path }, [process.execPath, '--version'], systemClock);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'streamspace-isolation-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is asked of the machine by running bubblewrap once: missing, refused, or working', async () => {
    expect(await ask('auto', folder)).toMatchObject({ state: 'one_user', reason: expect.stringContaining('PATH') });
    expect(await ask('required', folder)).toMatchObject({ state: 'refused' });
    const program = join(folder, 'bwrap');
    await writeFile(program, '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2; exit 1\n');
    await chmod(program, 0o755);
    const refused = { state: 'one_user', reason: expect.stringContaining('No permissions to create new namespace') };
    expect(await ask('auto', folder)).toMatchObject(refused);
    expect(await ask('none', folder)).toEqual({ state: 'shared' });
  });

  it.skipIf(isolationMissing)(`works here${isolationMissing && `: not, ${isolationMissing}`}`, async () => {
    expect(await ask('auto', process.env['PATH'] ?? '')).toMatchObject({ state: 'isolated' });
  });
});
