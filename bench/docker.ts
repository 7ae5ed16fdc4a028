// npm run bench:docker [-- --rounds 10] [-- --at-once 10] [-- --listed 200]
// Sessions on the Docker engine of DOCKER_HOST beside plain containers of the same image, in turns in one run: command → screen, and the engine's own
// way from `docker run` to the same greeting. docs/docker.md quotes its figures.
import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { sleep, systemClock } from 'clock-port';
import { DockerDriver } from '../agent/src/sessions/docker/driver.ts';
import { engineAddress } from '../agent/src/sessions/docker/engine/address.ts';
import { inspect, removeContainer } from '../agent/src/sessions/docker/engine/containers.ts';
import { Engine } from '../agent/src/sessions/docker/engine/engine.ts';
import type { ContainerSummary } from '../agent/src/sessions/docker/objects/engine-objects.ts';
import { APP } from '../agent/src/sessions/docker/objects/names.ts';
import { Screens } from '../agent/src/sessions/docker/screens/screen.ts';
import { RecordContainers } from '../agent/src/sessions/docker/state/record-containers.ts';
import { desktopSpec } from '../agent/test/support/spec.ts';
import { distribution } from './load/statistics.ts';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    'at-once': { type: 'string', default: '10' },
    listed: { type: 'string', default: '200' },
  },
});
const count = (name: keyof typeof given): number => {
  const value = Number(given[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name}: takes a whole number from 1`);
  return value;
};
const [rounds, atOnce, listed] = [count('rounds'), count('at-once'), count('listed')];

const IMAGE = 'streamspace/desktop:latest';
const PORT = 5900;
const LIMIT_MS = 300_000;
const soon = () => AbortSignal.timeout(LIMIT_MS);
const agentId = `bench-${randomBytes(4).toString('hex')}`;
const engine = new Engine(
  engineAddress(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock', undefined),
  systemClock,
);
const log = { info() {}, warn() {} };
const screens = new Screens(engine, systemClock, true);
const driver = new DockerDriver(
  {
    agentId,
    engine,
    sessionImageRegistry: undefined,
    sessionDefaultCpu: 1,
    sessionDefaultMemory: 1e9,
    vncPort: PORT,
    sessionNetwork: 'streamspace-sessions',
    sessionRuntime: undefined,
    sessionGpus: undefined,
    sessionImagePullPolicy: 'Never',
    dockerConfig: '/nowhere',
    maxSessions: 1_000,
    reservedCpu: 0,
    reservedMemory: 0,
    startDeadline: LIMIT_MS,
    clock: systemClock,
    log,
  },
  screens,
);
let made = 0;
const spec = () => desktopSpec(`${agentId}-${made++}`, { user: agentId, cpu: 1, memory: 1e9 });
const op = () => ({ commandId: randomBytes(8).toString('hex'), term: 1, signal: soon() });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - since;
}

/** As `docker run -d` of the same image and limits, until its screen greets. */
async function plain(): Promise<string> {
  const HostConfig = { NanoCpus: 1e9, Memory: 1e9, NetworkMode: 'bridge' };
  const body = { Image: IMAGE, Labels: { agent: agentId, app: 'plain' }, HostConfig };
  const { Id } = await engine.json<{ Id: string }>('/containers/create', { method: 'POST', body }, soon());
  await engine.json(`/containers/${Id}/start`, { method: 'POST' }, soon());
  const container = (await inspect(engine, Id, soon()))!;
  while (!(await screens.speaks(container, PORT, soon()))) await sleep(systemClock, 10);
  return Id;
}

const together = (work: () => Promise<unknown>) => timed(() => Promise.all(Array.from({ length: atOnce }, work)));
const remove = async (): Promise<void> => {
  for (const { spec: one } of await driver.list(soon())) await driver.delete(one.id, { deleteHome: true }, op());
  const filters = { label: [`agent=${agentId}`, 'app=plain'] };
  const left = await engine.json<ContainerSummary[]>('/containers/json', { query: { all: true, filters } }, soon());
  await Promise.all(left.map(({ Id }) => removeContainer(engine, Id, 0, soon())));
};

const { ServerVersion } = await engine.json<{ ServerVersion: string }>('/info', {}, soon());
const rows: string[][] = [];
const ms = (value: number): string => `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
const row = (what: string, times: readonly number[]) => {
  const { p50, p95, max } = distribution([...times]);
  rows.push([what, ms(p50), ms(p95), ms(max), String(times.length)]);
};

try {
  const [sessions, containers]: number[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    containers!.push(await timed(plain));
    sessions!.push(await timed(() => driver.create(spec(), op())));
    await remove();
  }
  row('plain container → its screen greets', containers!);
  row('create → session running', sessions!);
  const [many, manyPlain]: number[][] = [[], []];
  for (let round = 0; round < Math.max(1, Math.floor(rounds / 5)); round++) {
    manyPlain!.push(await together(plain));
    await remove();
    many!.push(await together(() => driver.create(spec(), op())));
    await remove();
  }
  row(`${atOnce} plain containers at once, all of them`, manyPlain!);
  row(`${atOnce} sessions at once, all of them`, many!);
  // sessions that sleep have a record and a home: so many desktops would not fit here
  const records = new RecordContainers({ agentId, engine, clock: systemClock, log });
  const changes: number[] = [];
  for (let n = 0; n < listed; n++) {
    const one = spec();
    const draft = records.draft(one.id, undefined, { desired: 'hibernated', spec: one, commandId: 'bench', term: 1 });
    changes.push(await timed(() => records.write(draft, undefined, soon())));
  }
  row('a record made', changes);
  const lists: number[] = [];
  for (let round = 0; round < 20; round++) lists.push(await timed(() => driver.list(soon())));
  row(`list of ${listed} sessions that sleep`, lists);
} finally {
  await remove();
  const filters = { label: [`agent=${agentId}`, `app=${APP.record}`] };
  const left = await engine.json<ContainerSummary[]>('/containers/json', { query: { all: true, filters } }, soon());
  for (const { Id } of left) await removeContainer(engine, Id, 0, soon());
  engine.close();
}
process.stdout.write(
  [
    `Docker ${ServerVersion}, Node ${process.version}, ${cpus().length} cores (${cpus()[0]!.model.trim()})`,
    '',
    '| what | median | p95 | max | n |',
    '| --- | --: | --: | --: | --: |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n'),
);
