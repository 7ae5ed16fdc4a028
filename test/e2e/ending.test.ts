import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Session } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Launched, processesOf } from '../support/launched.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pids = () => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** Addresses on which processes of the folder listen for TCP, as the kernel writes them. */
function listeners(folder: string): string[] {
  const sockets = new Set<string>();
  for (const line of processesOf(folder, pids)) {
    const pid = line.split(' ')[0]!;
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode !== undefined) sockets.add(inode);
    }
  }
  const LISTEN = '0A';
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && sockets.has(fields[9]!))
      .map((fields) => fields[1]!.split(':')[0]!),
  );
}

/** The environment variable of a session's programs. */
function programsOf(sessions: readonly Session[]): number[] {
  return pids().filter((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      return sessions.some(({ id }) => environment.includes(`STREAMSPACE_START=${id}.`));
    } catch {
      return false;
    }
  });
}

describe('S12 npm start', () => {
  let folder: string;
  let started: ChildProcess | undefined;
  let launched: Launched | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'streamspace-ending-'));
  });
  afterEach(async () => {
    await launched?.stop(true);
    launched = undefined;
    if (started?.pid !== undefined) killGroup(started.pid, 'SIGKILL');
    started = undefined;
    await until('nothing is left of the test', () => processesOf(folder, pids).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });

  function killGroup(pid: number, signal: NodeJS.Signals): void {
    try {
      process.kill(-pid, signal);
    } catch {
      // all of it has ended
    }
  }

  const read = (file: string): { pid: number; link: string; keeper: { pid: number } } =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')) as never;
  const sessionsOf = async (link: string, token: string): Promise<Session[]> => {
    const answer = await fetch(new URL('/api/v1/sessions?all=true', link), {
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as { items: Session[] }).items;
  };

  /** Runs a command that ends up in `launch.mjs`, in a process group of its own as a terminal's; resolves when sessions of two users run. */
  async function start(command: string, ...args: string[]): Promise<{ sessions: Session[]; launcher: number }> {
    started = spawn(command, args, {
      cwd: root,
      detached: true,
      // two users on one machine, whatever it can isolate
      env: { ...process.env, STATE_DIR: folder, SESSION_ISOLATION: 'none' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [started.stdout!, started.stderr!]) stream.on('data', (chunk) => (printed += chunk as string));
    await until('started', () => started!.exitCode !== null || printed.includes('Ctrl-C stops'), 90_000).catch(
      (error: unknown) => {
        throw new Error(`it printed: ${printed}`, { cause: error });
      },
    );
    if (!printed.includes('Ctrl-C stops')) throw new Error(`it ended, and had printed: ${printed}`);
    const { pid, link } = read('running.json');
    const { jwtSecret } = read('secrets.json') as never as { jwtSecret: string };
    const token = (user: string) =>
      new SignJWT({ roles: ['user'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(Buffer.from(jwtSecret));
    const other = await token('another-user');
    await fetch(new URL('/api/v1/sessions', link), {
      method: 'POST',
      headers: { authorization: `Bearer ${other}`, 'content-type': 'application/json' },
      body: JSON.stringify({ template: 'desktop', name: 'of another user' }),
    });
    let sessions: Session[] = [];
    const admin = new URL(link).hash.replace('#token=', '');
    await until(
      'both sessions run',
      async () => {
        sessions = await sessionsOf(link, admin);
        return sessions.length === 2 && sessions.every(({ state }) => state === 'running');
      },
      30_000,
    );
    return { sessions, launcher: pid };
  }

  async function allEnds(sessions: readonly Session[]): Promise<void> {
    await until('everything has ended', () => processesOf(folder, pids).length === 0, 45_000);
    expect(programsOf(sessions)).toEqual([]);
    expect(existsSync(join(folder, 'running.json'))).toBe(false);
    // asleep, not lost: as the agent's records have it
    for (const { id } of sessions) {
      const records = readdirSync(join(folder, 'agent/sessions', id)).filter((name) =>
        /^session\.\d+\.json$/.test(name),
      );
      expect(records.length).toBe(1);
      expect(readFileSync(join(folder, 'agent/sessions', id, records[0]!), 'utf8')).toContain('"hibernated"');
    }
  }

  const wrapper = [process.execPath, join(root, 'scripts/launch.mjs')] as const;

  it('listens on loopback only, agents’ health and metrics included', async () => {
    launched = await Launched.start(folder);
    const addresses = listeners(folder);
    // the hub and its metrics, and health and metrics of three agents
    expect(addresses.length).toBeGreaterThanOrEqual(8);
    const loopback = ['0100007F', '00000000000000000000000001000000'];
    expect(addresses.filter((address) => !loopback.includes(address))).toEqual([]);
  });

  it('starts at the same time find ports of their own, even where both choose the same', async () => {
    const both = await Promise.all(['one', 'two'].map((name) => Launched.start(join(folder, name))));
    try {
      expect(new Set(both.map(({ link }) => link.port)).size).toBe(2);
      for (const each of both) expect((await each.api<{ items: Session[] }>('GET', '/sessions')).items).toHaveLength(1);
    } finally {
      await Promise.all(both.map((each) => each.stop(true)));
    }
  });

  it('a start waits for one in the same folder that is stopping', async () => {
    const { launcher } = await start(...wrapper);
    process.kill(started!.pid!, 'SIGKILL');
    await until('it is told to stop', () => readFileSync(join(folder, 'running.json'), 'utf8').includes('"stopping"'));
    launched = await Launched.start(folder);
    expect(launched.pid).not.toBe(launcher);
    expect((await launched.api<{ items: Session[] }>('GET', '/sessions?all=true')).items).toHaveLength(2);
  });

  it('kill -9 of the launcher ends everything, the sessions of all users included', async () => {
    const { sessions, launcher } = await start(...wrapper);
    process.kill(launcher, 'SIGKILL');
    await allEnds(sessions);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s of the process that started the launcher ends everything',
    async (signal) => {
      const { sessions } = await start(...wrapper);
      process.kill(started!.pid!, signal);
      await allEnds(sessions);
    },
  );

  it('a closed terminal ends everything: SIGHUP to all, and nobody reads what they print', async () => {
    const { sessions } = await start(...wrapper);
    started!.stdout!.destroy();
    started!.stderr!.destroy();
    killGroup(started!.pid!, 'SIGHUP');
    await allEnds(sessions);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('%s of npm ends everything', async (signal) => {
    const project = join(folder, 'project');
    mkdirSync(project);
    const script = `node ${join(root, 'scripts/launch.mjs')}`;
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'started', scripts: { start: script } }));
    const { sessions } = await start('npm', 'start', '--prefix', project);
    process.kill(started!.pid!, signal);
    await allEnds(sessions);
  });
});
