import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WarmTemplate } from '../../src/sessions/core/warm-templates.ts';
import type { DockerDriver } from '../../src/sessions/docker/driver.ts';
import type { DockerDriverOptions } from '../../src/sessions/docker/options.ts';
import { claim, discard, give } from '../../src/sessions/docker/warm/claim.ts';
import { containerName } from '../../src/sessions/docker/objects/names.ts';
import { DESKTOP_IMAGE, type DockerPlace, dockerPlace, engineMissing, ensureDesktop } from './docker-place.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';

const missing = engineMissing();
const LIMIT_MS = 60_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
const lines = (text: string) => text.split('\n').filter((line) => line !== '');

/** An image that greets as a VNC server, and does nothing else: it starts fast. */
const GREETER = `streamspace-test/greeter-${process.pid}:1`;
const GREET = [
  'import socket',
  "server = socket.create_server(('', 5900))",
  'kept = []',
  'while True:',
  '  kept.append(server.accept()[0])',
  "  kept[-1].sendall(b'RFB 003.008\\n')",
].join('\n');

const KIOSK: WarmTemplate = {
  id: 'kiosk',
  template: 'kiosk',
  image: GREETER,
  cpu: 0.5,
  memory: 3e8,
  storage: 0,
  env: { STREAMSPACE_HOME: 'none', STREAMSPACE_START: 'terminal' },
  warm: 2,
};

describe.skipIf(missing !== undefined)(`warm containers${missing ? `: ${missing}` : ''}`, { timeout: 180_000 }, () => {
  let place: DockerPlace;
  let over: AbortController;
  let watches: Promise<void>[];
  let count = 0;
  beforeAll(() => {
    ensureDesktop();
    const file = `FROM ${DESKTOP_IMAGE}\nENTRYPOINT ["python3", "-c", ${JSON.stringify(GREET)}]\n`;
    execFileSync('docker', ['build', '-q', '-t', GREETER, '-'], { input: file, stdio: 'pipe' });
  }, 900_000);
  afterAll(() => void docker('rmi', '-f', GREETER));
  beforeEach(async () => {
    place = await dockerPlace({ byAddress: true });
    over = new AbortController();
    watches = [];
  });
  afterEach(async () => {
    over?.abort();
    await Promise.all(watches ?? []);
    // what an operation removes in the background may go at the same time
    await until(
      () => {
        const left = lines(docker('ps', '-aq', '--filter', `label=agent=${place.agentId}`));
        if (left.length > 0) spawnSync('docker', ['rm', '-fv', ...left]);
        return left.length === 0;
      },
      'all containers to go',
      LIMIT_MS,
    );
    await place?.cleanup();
  });

  const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
    const { template, image, cpu, memory, storage, env } = KIOSK;
    const id = `warm-${place.agentId.slice(5)}-${count++}`;
    return desktopSpec(id, { template, image, cpu, memory, storage, env, ...changes });
  };
  const op = (term = 1) => ({ commandId: `command-${count++}`, term, signal: soon() });
  /** Ids of the containers that wait. */
  const waiting = () =>
    lines(docker('ps', '-q', '--no-trunc', '--filter', `label=agent=${place.agentId}`, '--filter', 'name=^warm-'));
  const claims = () =>
    lines(docker('ps', '-aq', '--filter', `label=agent=${place.agentId}`, '--filter', 'label=app=session-claim'));
  const idOf = (session: string) => docker('inspect', '-f', '{{.Id}}', containerName(session, 1));
  /** A leader that keeps the pool, once it is full. */
  async function leader(
    changes: Partial<DockerDriverOptions> = {},
    ready = 2,
  ): Promise<DockerDriver & { news: Map<string, SessionStatus | undefined> }> {
    const driver = place.makeDriver({ warm: [KIOSK], ...changes });
    const news = new Map<string, SessionStatus | undefined>();
    watches.push(driver.watch((id, status) => news.set(id, status), over.signal));
    await until(() => driver.warm === ready, `${ready} ready containers`, LIMIT_MS);
    return Object.assign(driver, { news });
  }

  it('become sessions by their name, know who they are, and are replaced; such a session sleeps, wakes, fails and goes like any other', async () => {
    const driver = await leader();
    const before = waiting();
    expect(before).toHaveLength(2);
    const one = spec();
    expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
    expect(before).toContain(idOf(one.id));
    await until(() => driver.warm === 2 && waiting().length === 2, 'the pool to be full again', LIMIT_MS);
    const screen = await driver.connect(one.id, soon());
    const [greeting] = (await once(screen, 'data')) as [Buffer];
    expect(greeting.toString()).toBe('RFB 003.008\n');
    screen.destroy();
    const said = () => docker('exec', containerName(one.id, 1), 'bash', '-c', 'cat /etc/streamspace/session/{id,user}');
    await until(() => said() === `${one.id}${one.user}`, 'its identity', LIMIT_MS);
    const forged = docker(
      'exec',
      containerName(one.id, 1),
      'bash',
      '-c',
      'echo x > /etc/streamspace/session/user || echo refused',
    );
    expect(forged).toBe('refused');
    // another replica sees it too
    expect(await place.makeDriver().list(soon())).toEqual([{ spec: one, state: 'running' }]);
    // a create that comes again finds it
    const id = idOf(one.id);
    expect(await place.makeDriver({ warm: [KIOSK] }).create(one, op())).toEqual({ spec: one, state: 'running' });
    expect(idOf(one.id)).toBe(id);
    docker('kill', containerName(one.id, 1));
    await until(() => driver.news.get(one.id)?.state === 'failed', 'news of its end', LIMIT_MS);
    expect(driver.news.get(one.id)?.reason).toContain('killed from outside');
    await driver.wake(one.id, op());
    await driver.hibernate(one.id, op());
    expect(await place.running(one.id)).toBe(0);
    await driver.wake(one.id, op());
    await driver.delete(one.id, { deleteHome: true }, op());
    expect(lines(docker('ps', '-aq', '--filter', `name=${one.id}.s`))).toEqual([]);
    await until(() => claims().length === 0, 'claims of containers that are gone to go', LIMIT_MS);
  });

  it('are for sessions that are made alike, without a home', async () => {
    const driver = await leader();
    const before = waiting();
    const others = [
      spec({ env: { ...KIOSK.env, STREAMSPACE_HOME: 'kept' } }),
      spec({ memory: 4e8 }),
      spec({ env: { ...KIOSK.env, VNC_GEOMETRY: '800x600' } }),
    ];
    for (const each of others) {
      await driver.create(each, op());
      expect(before).not.toContain(idOf(each.id));
      await driver.delete(each.id, { deleteHome: true }, op());
    }
    expect(waiting().toSorted()).toEqual(before.toSorted());
  });

  it('of two leaders that create at the same time no two sessions get one container', async () => {
    const two = [await leader(), await leader()];
    const before = waiting();
    const specs = Array.from({ length: 4 }, () => spec());
    const made = await Promise.all(specs.map((each, n) => two[n % 2]!.create(each, op())));
    expect(made.map(({ state }) => state)).toEqual(specs.map(() => 'running'));
    const ids = specs.map(({ id }) => idOf(id));
    expect(new Set(ids).size).toBe(4);
    expect(ids.filter((id) => before.includes(id)).length).toBeGreaterThan(0);
    // one session by both: one container
    const [both] = [spec()];
    await Promise.all(two.map((each) => each.create(both!, op())));
    expect(await place.makeDriver().list(soon())).toHaveLength(5);
    expect(lines(docker('ps', '-q', '--filter', `name=${both!.id}.s`))).toHaveLength(1);
  });

  it('of twenty claims of one container one succeeds; it is never claimed again, and a late claimer finds it gone', async () => {
    await leader();
    const [first, second] = waiting() as [string, string];
    const parts = { agentId: place.agentId, engine: place.engine };
    const won = await Promise.all(Array.from({ length: 20 }, () => claim(parts, first, soon())));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await give(parts, first, { session: 'claimed-1', start: 1 }, soon())).toBe(true);
    expect(await claim(parts, first, soon())).toBe(false);
    // a start of that name is somebody's already
    expect(await claim(parts, second, soon())).toBe(true);
    expect(await give(parts, second, { session: 'claimed-1', start: 1 }, soon())).toBe(false);
    await discard(parts, second, soon());
    expect(await claim(parts, second, soon())).toBe(true);
    expect(await give(parts, second, { session: 'claimed-2', start: 1 }, soon())).toBe(false);
  });

  it('a leader that dies between claim and name: the next one starts the session, and removes what was claimed', async () => {
    const dying = await leader({
      step(step) {
        if (step === 'warm claimed') throw new Error('the process ends here');
      },
    });
    const one = spec();
    await expect(dying.create(one, op())).rejects.toThrow('the process ends here');
    const [lost] = claims();
    const container = docker('inspect', '-f', '{{index .Config.Labels "streamspace.io/claimed"}}', lost!);
    expect(waiting()).toContain(container);
    over.abort();
    await Promise.all(watches);
    over = new AbortController();
    const later = {
      ...systemClock,
      now: () => systemClock.now() + 120_000,
      setTimeout: systemClock.setTimeout.bind(systemClock),
    };
    const next = await leader({ clock: later });
    expect(await next.create(one, op(2))).toEqual({ spec: one, state: 'running' });
    expect(idOf(one.id)).not.toBe(container);
    await until(() => !lines(docker('ps', '-aq', '--no-trunc')).includes(container), 'it to be removed', LIMIT_MS);
  });

  it('give way to sessions, to another template, and end where none are wanted', async () => {
    const driver = await leader({ maxSessions: 2 });
    const [one, two] = [spec(), spec()];
    await driver.create(one, op());
    await until(() => waiting().length === 1, 'one to be left', LIMIT_MS);
    await driver.create(two, op());
    await until(() => waiting().length === 0, 'none to be left', LIMIT_MS);
    await driver.delete(two.id, { deleteHome: true }, op());
    await until(() => driver.warm === 1, 'one to be made', LIMIT_MS);
    const [old] = waiting();
    over.abort();
    await Promise.all(watches);
    over = new AbortController();
    const other = await leader({ maxSessions: 2, warm: [{ ...KIOSK, memory: 4e8 }] }, 1);
    await until(() => !waiting().includes(old!), 'the one of the template before to go', LIMIT_MS);
    expect(waiting()).toHaveLength(1);
    over.abort();
    await Promise.all(watches);
    over = new AbortController();
    watches.push(place.makeDriver().watch(() => {}, over.signal));
    await until(() => waiting().length === 0, 'all to go', LIMIT_MS);
    expect(other.warm).toBe(1);
    expect((await place.makeDriver().list(soon())).map(({ state }) => state)).toEqual(['running']);
  });
});
