import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { DockerDriver } from '../../src/sessions/docker/driver.ts';
import { engineAddress } from '../../src/sessions/docker/engine/address.ts';
import { removeContainer } from '../../src/sessions/docker/engine/containers.ts';
import { Engine } from '../../src/sessions/docker/engine/engine.ts';
import { answered } from '../../src/sessions/docker/engine/error.ts';
import type { ContainerSummary } from '../../src/sessions/docker/objects/engine-objects.ts';
import { APP, RECORD_LABEL, recordName, TEMPLATE_LABEL, USER_LABEL } from '../../src/sessions/docker/objects/names.ts';
import { recordIn } from '../../src/sessions/docker/objects/record.ts';
import type { DockerDriverOptions } from '../../src/sessions/docker/options.ts';
import { Screens } from '../../src/sessions/docker/screens/screen.ts';
import { homeName } from '../../src/sessions/core/names.ts';
import type { DriverSetup } from '../contract/driver.ts';

export const DESKTOP_IMAGE = 'streamspace/desktop:latest';
const soon = () => AbortSignal.timeout(60_000);

function docker(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('docker', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error !== undefined || status !== 0) throw new Error(`docker ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Why there is no engine to test on; undefined when there is one. */
export function engineMissing(): string | undefined {
  return spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0 ? undefined : 'no Docker engine answers';
}

/** Makes the desktop image unless it is there: that takes minutes. */
export function ensureDesktop(): void {
  if (docker('images', '-q', DESKTOP_IMAGE).trim() !== '') return;
  docker('build', '-q', '-t', DESKTOP_IMAGE, fileURLToPath(new URL('../../../images/desktop', import.meta.url)));
}

export interface DockerPlace extends DriverSetup {
  readonly engine: Engine;
  readonly agentId: string;
  makeDriver(changes?: Partial<DockerDriverOptions>): DockerDriver;
}

/** Sessions of an agent of its own on the engine of DOCKER_HOST. `byAddress`: whether screens are reached by the containers' addresses. */
export async function dockerPlace({ byAddress }: { readonly byAddress: boolean }): Promise<DockerPlace> {
  const engine = new Engine(
    engineAddress(process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', undefined),
    systemClock,
  );
  const agentId = `test-${randomBytes(4).toString('hex')}`;
  const mark = randomBytes(8).toString('hex');

  const containers = (app: string, more: readonly string[] = []) =>
    engine.json<ContainerSummary[]>(
      '/containers/json',
      { query: { all: true, filters: { label: [`app=${app}`, `agent=${agentId}`, ...more] } } },
      soon(),
    );
  const runningOnes = async (id: string) =>
    (await containers(APP.session, [`session=${id}`])).filter(({ State }) => State === 'running');
  /** A shell in the home, as root. */
  const inHome = (spec: SessionSpec, script: string): string =>
    docker(
      'run',
      '--rm',
      '--network',
      'none',
      '--user',
      '0',
      '--entrypoint',
      'sh',
      '-v',
      `${homeName(spec)}:/home`,
      DESKTOP_IMAGE,
      '-c',
      script,
    );
  const hasVolume = async (spec: SessionSpec): Promise<boolean> =>
    engine.json(`/volumes/${homeName(spec)}`, {}, soon()).then(
      () => true,
      (error: unknown) => {
        if (answered(error, 404)) return false;
        throw error;
      },
    );
  const makeVolume = (spec: SessionSpec, user: string) =>
    engine.json(
      '/volumes/create',
      {
        method: 'POST',
        body: {
          Name: homeName(spec),
          Labels: { app: APP.home, agent: agentId, [USER_LABEL]: user, [TEMPLATE_LABEL]: spec.template },
        },
      },
      soon(),
    );
  const latest = async (id: string) => {
    const all = await containers(APP.record, [`session=${id}`]);
    const version = (container: ContainerSummary) => recordIn(container)!.version;
    return all.toSorted((a, b) => version(b) - version(a))[0]!;
  };

  const place: DockerPlace = {
    engine,
    agentId,
    makeDriver(changes = {}) {
      const options: DockerDriverOptions = {
        agentId,
        engine,
        sessionImageRegistry: undefined,
        sessionDefaultCpu: 1,
        sessionDefaultMemory: 1e9,
        vncPort: 5900,
        sessionNetwork: 'streamspace-sessions',
        sessionRuntime: undefined,
        sessionGpus: undefined,
        sessionImagePullPolicy: 'IfNotPresent',
        dockerConfig: '/nowhere',
        maxSessions: 100,
        reservedCpu: 0,
        reservedMemory: 0,
        startDeadline: 50_000,
        clock: systemClock,
        log: { info() {}, warn() {} },
        ...changes,
      };
      return new DockerDriver(options, new Screens(options.engine, systemClock, byAddress));
    },
    makeDying: () =>
      place.makeDriver({
        step(step) {
          if (step === 'record written') throw new Error('the process ends here');
        },
      }),
    running: async (id) => (await runningOnes(id)).length,
    starts: async (id) => (await runningOnes(id)).map(({ Id }) => Id),
    async loseObject(id) {
      for (const { Id } of await containers(APP.session, [`session=${id}`]))
        await removeContainer(engine, Id, 0, soon());
    },
    async loseRecord(id) {
      for (const { Id } of await containers(APP.record, [`session=${id}`]))
        await removeContainer(engine, Id, 0, soon());
    },
    async kill(id) {
      for (const { Id } of await runningOnes(id))
        await engine.json(`/containers/${Id}/kill`, { method: 'POST' }, soon());
      const end = soon();
      while ((await runningOnes(id)).length > 0) await pause(20, undefined, { signal: end });
    },
    async markHome(spec) {
      inHome(spec, `echo ${mark} > /home/mark`);
    },
    async homeIsMarked(spec) {
      return (await hasVolume(spec)) && inHome(spec, 'cat /home/mark 2>/dev/null || true').trim() === mark;
    },
    async disown(spec, owner = spec) {
      const marked = await place.homeIsMarked(spec);
      await engine.json(`/volumes/${homeName(spec)}`, { method: 'DELETE' }, soon());
      await makeVolume(spec, owner.user);
      if (marked) await place.markHome(spec);
    },
    async makeOldHome(spec) {
      await makeVolume(spec, spec.user);
      await place.markHome(spec);
    },
    async spoil(id, what) {
      const container = await latest(id);
      const text = container.Labels[RECORD_LABEL]!;
      const record = JSON.parse(text) as { spec: object };
      const changes = what === 'phase' ? { desired: 'banana' } : { future: 'later', spec: { ...record.spec, gpu: 2 } };
      const spoiled = what === 'spec' ? '{not json' : JSON.stringify({ ...record, ...changes });
      const { version } = recordIn(container)!;
      const body = {
        Image: 'streamspace/record:1',
        Cmd: ['-'],
        Labels: { ...container.Labels, [RECORD_LABEL]: spoiled },
      };
      await engine.json(
        '/containers/create',
        { method: 'POST', query: { name: recordName(id, version + 1) }, body },
        soon(),
      );
      await engine.json(`/containers/${container.Id}`, { method: 'DELETE' }, soon());
    },
    async keepsNewer(id) {
      const record = JSON.parse((await latest(id)).Labels[RECORD_LABEL]!) as {
        future?: string;
        spec: { gpu?: number };
      };
      return record.future === 'later' && record.spec.gpu === 2;
    },
    async cleanup() {
      for (const app of [APP.session, APP.record])
        for (const { Id } of await containers(app)) await removeContainer(engine, Id, 0, soon());
      const filters = { label: [`agent=${agentId}`] };
      const { Volumes } = await engine.json<{ Volumes: { Name: string }[] | null }>(
        '/volumes',
        { query: { filters } },
        soon(),
      );
      for (const { Name } of Volumes ?? []) await engine.json(`/volumes/${Name}`, { method: 'DELETE' }, soon());
      engine.close();
    },
  };
  return place;
}
