import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { homeName } from '../../src/sessions/core/names.ts';
import { answered } from '../../src/sessions/docker/engine/error.ts';
import type { ContainerSummary } from '../../src/sessions/docker/objects/engine-objects.ts';
import { APP, RECORD_LABEL, TEMPLATE_LABEL, USER_LABEL } from '../../src/sessions/docker/objects/names.ts';
import { Screens } from '../../src/sessions/docker/screens/screen.ts';
import { SwarmDriver } from '../../src/sessions/docker/swarm/driver.ts';
import { NODE_LABEL, serviceName } from '../../src/sessions/docker/swarm/objects/names.ts';
import type { ServiceObject, ServiceSpec } from '../../src/sessions/docker/swarm/objects/swarm-objects.ts';
import type { SwarmDriverOptions } from '../../src/sessions/docker/swarm/options.ts';
import { Services } from '../../src/sessions/docker/swarm/services.ts';
import type { DriverSetup } from '../contract/driver.ts';
import { COUNTER_IMAGE } from './counter-image.ts';
import type { SwarmNode } from './swarm-nodes.ts';

const soon = () => AbortSignal.timeout(60_000);

export interface SwarmPlace extends DriverSetup {
  readonly agentId: string;
  readonly services: Services;
  makeDriver(changes?: Partial<SwarmDriverOptions>, screens?: Screens): SwarmDriver;
  /** Changes a service until nobody else is faster. */
  edit(name: string, change: (spec: ServiceSpec) => ServiceSpec): Promise<void>;
}

/** Sessions of an agent of its own on a swarm of which the node is the manager. */
export function swarmPlace(manager: SwarmNode): SwarmPlace {
  const { engine } = manager;
  const services = new Services(engine);
  const agentId = `test-${randomBytes(4).toString('hex')}`;
  const mark = randomBytes(8).toString('hex');
  const containers = async (id: string): Promise<ContainerSummary[]> => {
    const query = { filters: { label: [`app=${APP.session}`, `session=${id}`, `agent=${agentId}`] } };
    return engine.json('/containers/json', { query }, soon());
  };
  const inHome = (spec: SessionSpec, script: string): string => {
    const mount = ['-v', `${homeName(spec)}:/home`, '--user', '0', '--network', 'none'];
    return manager.docker('run', '--rm', ...mount, '--entrypoint', 'sh', COUNTER_IMAGE, '-c', script);
  };
  const hasVolume = async (spec: SessionSpec): Promise<boolean> =>
    engine.json(`/volumes/${homeName(spec)}`, {}, soon()).then(
      () => true,
      (error: unknown) => {
        if (answered(error, 404)) return false;
        throw error;
      },
    );
  const service = async (name: string): Promise<ServiceObject> => (await services.find(name, soon()))!;

  const place: SwarmPlace = {
    agentId,
    services,
    makeDriver(changes = {}, screens = new Screens(changes.engine ?? engine, systemClock, false)) {
      const options: SwarmDriverOptions = {
        agentId,
        engine,
        sessionImageRegistry: undefined,
        sessionDefaultCpu: 0.1,
        sessionDefaultMemory: 64e6,
        vncPort: 5900,
        sessionNetwork: 'streamspace-sessions',
        sessionHomeDriver: 'local',
        sessionHomeOptions: undefined,
        dockerConfig: '/nowhere',
        maxSessions: 100,
        reservedCpu: 0,
        reservedMemory: 0,
        startDeadline: 50_000,
        clock: systemClock,
        log: { info() {}, warn() {} },
        ...changes,
      };
      return new SwarmDriver(options, screens);
    },
    makeDying: () =>
      place.makeDriver({
        step(step) {
          if (step === 'record written') throw new Error('the process ends here');
        },
      }),
    async edit(name, change) {
      for (;;) {
        const now = await service(name);
        if (await services.update(now, change(now.Spec), soon())) return;
      }
    },
    running: async (id) => (await containers(id)).length,
    starts: async (id) => (await containers(id)).map(({ Id }) => Id),
    async loseObject(id) {
      await place.edit(serviceName(id), (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 0 } } }));
      const end = soon();
      while ((await containers(id)).length > 0) await pause(20, undefined, { signal: end });
    },
    loseRecord: (id) =>
      place.edit(serviceName(id), (spec) => {
        const { [RECORD_LABEL]: _, ...Labels } = spec.Labels;
        return { ...spec, Labels };
      }),
    async kill(id) {
      for (const { Id } of await containers(id))
        await engine.json(`/containers/${Id}/kill`, { method: 'POST' }, soon());
      const end = soon();
      while ((await containers(id)).length > 0) await pause(20, undefined, { signal: end });
    },
    async markHome(spec) {
      inHome(spec, `echo ${mark} > /home/mark`);
    },
    async homeIsMarked(spec) {
      return (await hasVolume(spec)) && inHome(spec, 'cat /home/mark 2>/dev/null || true') === mark;
    },
    disown: (spec, owner = spec) =>
      place.edit(homeName(spec), (home) => ({ ...home, Labels: { ...home.Labels, [USER_LABEL]: owner.user } })),
    async makeOldHome(spec) {
      // no earlier version made homes on a swarm; one of an operator's own making
      const Labels = { app: APP.home, agent: agentId, [USER_LABEL]: spec.user, [TEMPLATE_LABEL]: spec.template };
      const node = await services.ownNode(soon());
      const nothing = { Mode: { Replicated: { Replicas: 0 } }, TaskTemplate: { ContainerSpec: { Image: 'none' } } };
      await services.create({ Name: homeName(spec), Labels: { ...Labels, [NODE_LABEL]: node }, ...nothing }, soon());
      await engine.json('/volumes/create', { method: 'POST', body: { Name: homeName(spec), Labels } }, soon());
      await place.markHome(spec);
    },
    spoil: (id, what) =>
      place.edit(serviceName(id), (spec) => {
        const record = JSON.parse(spec.Labels[RECORD_LABEL]!) as { spec: object };
        const changes =
          what === 'phase' ? { desired: 'banana' } : { future: 'later', spec: { ...record.spec, gpu: 2 } };
        const text = what === 'spec' ? '{not json' : JSON.stringify({ ...record, ...changes });
        return { ...spec, Labels: { ...spec.Labels, [RECORD_LABEL]: text } };
      }),
    async keepsNewer(id) {
      const { Labels } = (await service(serviceName(id))).Spec;
      const record = JSON.parse(Labels[RECORD_LABEL]!) as { future?: string; spec: { gpu?: number } };
      return record.future === 'later' && record.spec.gpu === 2;
    },
    async cleanup() {
      for (const each of await services.list([`agent=${agentId}`], soon())) await services.remove(each, soon());
    },
  };
  return place;
}
