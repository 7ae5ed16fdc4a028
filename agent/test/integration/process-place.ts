import { randomBytes } from 'node:crypto';
import { mkdtemp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { HostConnection } from '../../src/sessions/process/host-connection.ts';
import { processDriver } from '../../src/sessions/process/driver.ts';
import type { Isolation } from '../../src/sessions/process/isolation.ts';
import { layout } from '../../src/sessions/process/layout.ts';
import type { ProcessDriverOptions } from '../../src/sessions/process/options.ts';
import type { DriverSetup } from '../contract/driver.ts';

/** The session host's program. */
export const HOST = fileURLToPath(new URL('../../../dist/session-host.js', import.meta.url));

export interface ProcessPlace extends DriverSetup {
  readonly stateDir: string;
  makeDriver(changes?: Partial<ProcessDriverOptions>): ReturnType<typeof processDriver>;
  /** Process numbers of the session's hosts that answer. */
  hosts(sessionId: string): Promise<number[]>;
}

/** A state folder of its own, with real session hosts from the bundle. */
export async function processPlace(
  desktop: 'builtin' | 'xvnc',
  folder?: string,
  isolation: Isolation = { state: 'shared' },
): Promise<ProcessPlace> {
  const stateDir = folder ?? (await mkdtemp(join(tmpdir(), 'streamspace-test-')));
  await mkdir(stateDir, { recursive: true });
  const places = layout(stateDir, tmpdir());
  const mark = randomBytes(8).toString('hex');
  const markFile = (spec: SessionSpec) => join(places.home(spec.user, spec.template), 'mark');

  const hosts = async (id: string): Promise<number[]> => {
    const found: number[] = [];
    const limit = AbortSignal.timeout(10_000);
    const { folder: first } = places.run(id, 0);
    const prefix = first.slice(first.lastIndexOf('/') + 1, -1);
    for (const name of await readdir(join(first, '..')).catch(() => [])) {
      if (!name.startsWith(prefix)) continue;
      const connection = await HostConnection.open(join(first, '..', name, 'control'), limit);
      if (typeof connection === 'string') continue;
      await connection.until((state) => state !== undefined, limit);
      if (connection.state) found.push(connection.state.pid!);
      connection.close();
    }
    return found;
  };

  const latest = async (id: string) => {
    const folder = places.session(id);
    const version = (name: string) => Number(/^session\.(\d+)\.json$/.exec(name)?.[1] ?? -1);
    const [name] = (await readdir(folder)).toSorted((a, b) => version(b) - version(a));
    const file = join(folder, name!);
    const record = JSON.parse(await readFile(file, 'utf8')) as { future?: string; spec: { gpu?: number } };
    return { file, record };
  };

  const place: ProcessPlace = {
    stateDir,
    hosts,
    makeDriver: (changes = {}) =>
      processDriver({
        agentId: 'agent-1',
        stateDir,
        tmpDir: tmpdir(),
        clock: systemClock,
        log: { info() {}, warn() {} },
        hostCommand: [process.execPath, HOST],
        env: process.env,
        kill: (pid, signal) => void process.kill(pid, signal),
        maxSessions: 100,
        desktop,
        isolation,
        ...changes,
      }),
    makeDying() {
      return place.makeDriver({
        step(step) {
          if (step === 'record written') throw new Error('the process ends here');
        },
      });
    },
    running: async (id) => (await hosts(id)).length,
    starts: async (id) => (await hosts(id)).map(String),
    async kill(id) {
      for (const pid of await hosts(id)) process.kill(pid, 'SIGKILL');
      const end = AbortSignal.timeout(10_000);
      while ((await hosts(id)).length > 0) await pause(10, undefined, { signal: end });
    },
    async loseObject(id) {
      await place.kill(id);
      await rm(join(places.run(id, 0).folder, '..'), { recursive: true, force: true });
      for (const name of await readdir(places.session(id)))
        if (!name.startsWith('session.')) await rm(join(places.session(id), name));
    },
    async loseRecord(id) {
      for (const name of await readdir(places.session(id)))
        if (name.startsWith('session.')) await rm(join(places.session(id), name));
    },
    async markHome(spec) {
      await writeFile(markFile(spec), mark);
    },
    async homeIsMarked(spec) {
      return (await readFile(markFile(spec), 'utf8').catch(() => '')) === mark;
    },
    async disown(spec, owner = spec) {
      const file = join(places.home(spec.user, spec.template), '..', '.owner.json');
      await writeFile(file, JSON.stringify({ user: owner.user }));
    },
    async makeOldHome(spec) {
      await mkdir(places.home(spec.user, spec.template), { recursive: true });
      await writeFile(markFile(spec), mark);
    },
    async spoil(id, what) {
      const { file, record } = await latest(id);
      if (what === 'spec') return writeFile(file, '{not json');
      const changes = what === 'phase' ? { desired: 'banana' } : { future: 'later', spec: { ...record.spec, gpu: 2 } };
      await writeFile(file, JSON.stringify({ ...record, ...changes }));
    },
    async keepsNewer(id) {
      const { record } = await latest(id);
      return record.future === 'later' && record.spec.gpu === 2;
    },
    async cleanup() {
      const left = await readdir(join(stateDir, 'run')).catch(() => []);
      await rm(stateDir, { recursive: true, force: true, maxRetries: 10 });
      if (left.length > 0) throw new Error(`sockets left behind: ${left.join(', ')}`);
      await stat(stateDir).catch(() => {});
    },
  };
  return place;
}
