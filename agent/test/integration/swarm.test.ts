import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { RfbClient } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { homeName } from '../../src/sessions/core/names.ts';
import { DockerDriver } from '../../src/sessions/docker/driver.ts';
import { driverOfEngine, type EngineSettings } from '../../src/sessions/docker/platform.ts';
import { APP } from '../../src/sessions/docker/objects/names.ts';
import { type Reached, Screens } from '../../src/sessions/docker/screens/screen.ts';
import { SwarmDriver } from '../../src/sessions/docker/swarm/driver.ts';
import { ensureOverlay } from '../../src/sessions/docker/swarm/network.ts';
import { serviceName } from '../../src/sessions/docker/swarm/objects/names.ts';
import { SwarmRecords } from '../../src/sessions/docker/swarm/state/swarm-records.ts';
import { driverContract } from '../contract/driver.ts';
import { desktopSpec } from '../support/spec.ts';
import { until } from '../support/until.ts';
import { COUNTER_IMAGE } from './counter-image.ts';
import { Swarm, swarmMissing, type SwarmNode } from './swarm-nodes.ts';
import { type SwarmPlace, swarmPlace } from './swarm-place.ts';

const missing = swarmMissing();
const LIMIT_MS = 120_000;
const soon = () => AbortSignal.timeout(60_000);
const FAILS = 'streamspace-test/fails:latest';
const HUNGRY = 'streamspace-test/hungry:latest';

describe.skipIf(missing !== undefined)(`sessions on a swarm of three nodes${missing ? `: ${missing}` : ''}`, () => {
  let swarm: Swarm;
  let place: SwarmPlace;
  let manager: SwarmNode;
  let one: SwarmNode;
  let two: SwarmNode;
  let count = 0;
  let seat: string;
  const op = (term = 1) => ({ commandId: `command-${count++}`, term, signal: soon() });
  const spec = (changes: Partial<SessionSpec> = {}): SessionSpec =>
    desktopSpec(`swarm-${count++}`, { image: COUNTER_IMAGE, cpu: 0.05, memory: 64e6, ...changes });
  const homeless = { STREAMSPACE_HOME: 'none' };
  const set = (node: SwarmNode, availability: 'active' | 'drain' | 'pause') =>
    manager.docker('node', 'update', '--availability', availability, node.container);
  /** A driver as in an agent that is a container in the sessions' network, on the manager. */
  const inNetwork = (changes: Parameters<SwarmPlace['makeDriver']>[0] = {}): SwarmDriver => {
    const from = seat;
    class FromNetwork extends Screens {
      override async connect({ NetworkSettings }: Reached, port: number) {
        const [network] = Object.values(NetworkSettings.Networks ?? {});
        return manager.dial(from, network?.IPAddress ?? 'none', port);
      }
    }
    return place.makeDriver(changes, new FromNetwork(manager.engine, systemClock, true));
  };
  const nodeOf = async (id: string): Promise<SwarmNode | undefined> => {
    const tasks = await place.services.tasks({ label: [`app=${APP.session}`, `session=${id}`] }, soon());
    const running = tasks.find(({ Status, DesiredState }) =>
      [Status.State, DesiredState].every((is) => is === 'running'),
    );
    return swarm.nodes.find((node) => node.id === running?.NodeID);
  };
  const watched = async (driver: SwarmDriver, told: Map<string, SessionStatus[]>, during: () => Promise<void>) => {
    const watching = new AbortController();
    const watch = driver.watch((id, status) => {
      if (status !== undefined) told.set(id, [...(told.get(id) ?? []), status]);
    }, watching.signal);
    await during();
    watching.abort();
    await watch;
  };

  beforeAll(async () => {
    swarm = await Swarm.make(3);
    [manager, one, two] = swarm.nodes as [SwarmNode, SwarmNode, SwarmNode];
    place = swarmPlace(manager);
    await ensureOverlay({ engine: manager.engine, sessionNetwork: 'streamspace-sessions' }, soon());
    seat = manager.seat('streamspace-sessions');
    manager.docker('tag', COUNTER_IMAGE, 'streamspace/desktop:latest');
    const node = process.execPath;
    manager.variant(FAILS, [node, '-e', 'console.log("no luck"); process.exit(3)']);
    manager.variant(HUNGRY, [node, '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))']);
  }, LIMIT_MS);
  afterAll(() => swarm?.remove(), LIMIT_MS);

  describe('on the manager alone', () => {
    beforeAll(() => {
      for (const worker of [one, two]) set(worker, 'drain');
    });
    afterAll(() => {
      for (const worker of [one, two]) set(worker, 'active');
    });

    // the long form, by hand: SWARM_CONTRACT=all runs all of the contract
    const all = process.env['SWARM_CONTRACT'] === 'all';
    driverContract('swarm', () => Promise.resolve(swarmPlace(manager)), {
      step: 60_000,
      size: { cpu: 0.1, memory: 64e6 },
      ...(!all && { only: /^two leaders at once make/ }),
    });

    it('a stale writer changes nothing', async () => {
      const options = { agentId: place.agentId, clock: systemClock };
      const records = new SwarmRecords(options, place.services);
      const id = `swarm-${count++}`;
      const write = (from: Parameters<SwarmRecords['write']>[1], commandId: string) =>
        records.write(records.draft(id, from, { desired: 'running', spec: spec({ id }), commandId }), from, soon());
      const first = await write(undefined, 'first');
      expect(await write(undefined, 'again')).toBeUndefined();
      const second = await write(first, 'second');
      expect(second).toMatchObject({ commandId: 'second', instance: 2 });
      expect(await write(first, 'stale')).toBeUndefined();
      expect(await records.apply(first!, second!.service.Spec.TaskTemplate, undefined, soon())).toBe(false);
      await records.forget(first!, soon());
      expect(await records.read(id, soon())).toEqual(second);
      await records.forget(second!, soon());
      expect(await records.read(id, soon())).toBeUndefined();
      // a removal that was cut off is finished by the next to want the name
      const third = (await write(undefined, 'third'))!;
      await place.edit(serviceName(id), (now) => ({ ...now, Labels: { ...now.Labels, app: 'session-forgotten' } }));
      expect(await write(undefined, 'fourth')).toBeUndefined();
      expect(await write(undefined, 'fourth')).toMatchObject({ commandId: 'fourth', instance: 1 });
      expect(await write(third, 'stale')).toBeUndefined();
    });

    it('writes of ten at once: one wins', async () => {
      const records = new SwarmRecords({ agentId: place.agentId, clock: systemClock }, place.services);
      const id = `swarm-${count++}`;
      const draft = (commandId: string, from?: Parameters<SwarmRecords['write']>[1]) =>
        records.draft(id, from, { desired: 'running', spec: spec({ id }), commandId });
      const ten = Array.from({ length: 10 }, (_, each) => `writer-${each}`);
      for (let round = 0; round < 3; round++) {
        const from = await records.read(id, soon());
        const written = await Promise.all(ten.map((writer) => records.write(draft(writer, from), from, soon())));
        const won = written.filter((record) => record !== undefined);
        expect(won).toHaveLength(1);
        expect(await records.read(id, soon())).toEqual(won[0]);
      }
    });

    it('gives a session no more than it needs, and nobody else’s service or volume', async () => {
      const driver = place.makeDriver();
      const mine = spec();
      await driver.create(mine, op());
      const [container] = await place.starts(mine.id);
      const script =
        'cat /proc/self/status; id -u; echo x >/etc/x || echo no; ulimit -c; echo y >/home/user/y && echo kept';
      const said = manager.docker('exec', container!, 'sh', '-c', script);
      for (const line of [/^CapBnd:\s0+$/m, /^Seccomp:\s2$/m, /^1000$/m, /^no$/m, /^0$/m, /^kept$/m])
        expect(said).toMatch(line);
      const { HostConfig } = JSON.parse(manager.docker('inspect', '-f', '{{json .}}', container!)) as {
        HostConfig: object;
      };
      expect(HostConfig).toMatchObject({
        PidsLimit: 4096,
        Memory: 64e6,
        NanoCpus: 5e7,
        Init: true,
        ReadonlyRootfs: true,
      });
      const [taken, theirs] = [spec(), spec()];
      manager.docker('service', 'create', '-d', '--name', serviceName(taken.id), '--replicas', '0', COUNTER_IMAGE);
      const left = /did not make.* left alone/;
      await expect(driver.create(taken, op())).rejects.toMatchObject({ message: expect.stringMatching(left) });
      await driver.delete(taken.id, { deleteHome: true }, op()).catch(() => undefined);
      expect(await place.services.find(serviceName(taken.id), soon())).toMatchObject({ Spec: { Labels: {} } });
      manager.docker('volume', 'create', homeName(theirs));
      await expect(driver.create(theirs, op())).rejects.toMatchObject({ code: 'home_of_another' });
    });

    it('says why a session does not start, or has ended', async () => {
      const quick = place.makeDriver({ startDeadline: 4_000 });
      const slow = place.makeDriver();
      const fails = (driver: SwarmDriver, changes: Partial<SessionSpec>, reason: RegExp, failure?: string) => {
        const wrong = spec({ env: homeless, ...changes });
        return expect(driver.create(wrong, op()))
          .rejects.toMatchObject({ message: expect.stringMatching(reason), details: { failure } })
          .then(async () => {
            const told = (await driver.list(soon())).find((status) => status.spec.id === wrong.id);
            expect(told).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
          });
      };
      await Promise.all([
        fails(
          quick,
          { cpu: 1_000 },
          /^Not started within 4 s: No node of the swarm can take it: no suitable node \(.*insufficient resources/,
          'capacity',
        ),
        fails(quick, { cpu: 1_000, env: {} }, /^None of the swarm’s 1 usable nodes has 1000 CPU/, 'capacity'),
        fails(
          slow,
          { image: 'registry.invalid/none:1' },
          /^Image registry.invalid\/none:1 is not on the node, and could not be pulled/,
          'image',
        ),
        fails(slow, { image: FAILS }, /ended with exit code 3\. Its last lines:\nno luck$/, 'exited'),
        fails(slow, { image: HUNGRY }, /^Killed for using more memory than its limit of 61 MiB$/, 'exited'),
        fails(
          place.makeDriver({ sessionNetwork: 'none-such' }),
          {},
          /^The swarm has no network none-such: SESSION_NETWORK/,
          'network',
        ),
      ]);
    });
  });

  describe('on all nodes', () => {
    afterEach(() => {
      for (const node of swarm.nodes) set(node, 'active');
    });

    it('shows screens from the network of the sessions, on any node; from elsewhere it says what is missing', async () => {
      const driver = inNetwork();
      set(manager, 'pause');
      const [near, far] = [spec({ env: homeless }), spec({ env: homeless })];
      await Promise.all([
        driver.create(near, op()),
        expect(place.makeDriver({ startDeadline: 4_000 }).create(far, op())).rejects.toMatchObject({
          message: expect.stringMatching(
            /another node than the agent.*run the agent as a service in the network of the sessions \(streamspace-sessions\)$/,
          ),
        }),
      ]);
      const client = await RfbClient.open(await driver.connect(near.id, soon()), soon());
      await client.firstPicture(soon());
      client.close();
      await expect(place.makeDriver().connect(near.id, soon())).rejects.toMatchObject({ code: 'screen_unreachable' });
    });

    const shared = { sessionHomeOptions: 'type=none o=bind device=/shared/{home}' };
    const listed = async (id: string) =>
      (await place.makeDriver().list(soon())).find((status) => status.spec.id === id);

    it('a drained node’s sessions start on another when their homes can follow; others have failed, and wake when it is back', async () => {
      const driver = inNetwork();
      const [moves, free, tied] = [spec(), spec({ env: homeless }), spec()];
      mkdirSync(join(swarm.shared, homeName(moves)));
      writeFileSync(join(swarm.shared, homeName(moves), 'mark'), 'here');
      for (const node of [manager, two]) set(node, 'pause');
      const created = [inNetwork(shared).create(moves, op()), ...[free, tied].map((each) => driver.create(each, op()))];
      await Promise.all(created);
      set(two, 'active');
      const told = new Map<string, SessionStatus[]>();
      await watched(driver, told, async () => {
        const has = (id: string, state: SessionStatus['state']) =>
          told.get(id)?.some((status) => status.state === state);
        set(one, 'drain');
        for (const { id } of [moves, free]) await until(() => has(id, 'running'), 'it runs again', 60_000);
        await until(() => has(tied.id, 'failed'), 'the one that is tied to the node has failed', 60_000);
      });
      const reason = `Its node ${one.container} is set to drain: it starts again`;
      for (const { id } of [moves, free]) {
        expect(told.get(id)).toContainEqual(expect.objectContaining({ state: 'starting', reason }));
        expect(await nodeOf(id)).toBe(two);
      }
      const [container] = two.docker('ps', '-q', '--filter', `label=session=${moves.id}`).split('\n');
      expect(two.docker('exec', container!, 'cat', '/home/user/mark')).toBe('here');
      const message = `Its home is a volume of node ${one.container}, which is set to drain: it can start again when that node is back (docker node ls)`;
      expect(await listed(tied.id)).toMatchObject({ state: 'failed', reason: message });
      const refused = driver.wake(tied.id, op());
      await expect(refused).rejects.toMatchObject({ message, details: { failure: 'home_busy' } });
      set(one, 'active');
      const inHome = (...program: string[]) =>
        one.docker('run', '--rm', '-v', `${homeName(tied)}:/kept`, '--entrypoint', ...program);
      inHome('sh', COUNTER_IMAGE, '-c', 'echo mine >/kept/mine');
      expect(await driver.wake(tied.id, op())).toMatchObject({ state: 'running' });
      expect(await nodeOf(tied.id)).toBe(one);
      await driver.delete(tied.id, { deleteHome: true }, op());
      expect(inHome('find', COUNTER_IMAGE, '/kept', '-mindepth', '1')).toBe('');
    });

    it('a lost node’s session starts on another, unless its home is there', async () => {
      const driver = inNetwork();
      for (const node of [manager, two]) set(node, 'pause');
      const [tied, free] = [spec(), spec({ env: homeless })];
      await Promise.all([tied, free].map((each) => driver.create(each, op())));
      set(two, 'active');
      const told = new Map<string, SessionStatus[]>();
      await watched(driver, told, async () => {
        one.kill();
        const has = (id: string, state: SessionStatus['state']) =>
          told.get(id)?.some((status) => status.state === state);
        await until(() => has(free.id, 'running') && has(tied.id, 'failed'), 'one runs, one has failed', 60_000);
      });
      expect(await nodeOf(free.id)).toBe(two);
      const reason = `Its home is a volume of node ${one.container}, which is down: it can start again when that node is back (docker node ls)`;
      expect(await listed(tied.id)).toMatchObject({ reason });
      // what can't be removed before the node is back keeps nothing else waiting
      const kept = driver.delete(tied.id, { deleteHome: true }, op());
      await expect(kept).rejects.toMatchObject({ message: reason, details: { failure: 'home_busy' } });
      expect(await listed(tied.id)).toBeUndefined();
      set(manager, 'active');
      told.clear();
      await watched(driver, told, async () => {
        set(two, 'drain');
        await until(() => told.get(free.id)?.some(({ state }) => state === 'running'), 'it runs again', 60_000);
      });
      expect(await nodeOf(free.id)).toBe(manager);
    });
  });

  describe('DOCKER_MODE', () => {
    const settings = (node: SwarmNode, changes: Partial<EngineSettings>): EngineSettings => ({
      agentId: 'modes',
      dockerHost: `unix://${node.socket}`,
      dockerMode: 'auto',
      dockerCertPath: undefined,
      dockerConfig: '/nowhere',
      commandTimeout: 60_000,
      sessionWarmPool: undefined,
      stateDir: '/nowhere',
      agentTokenFile: undefined,
      sessionImageRegistry: undefined,
      sessionImagePullPolicy: 'IfNotPresent',
      sessionDefaultCpu: 1,
      sessionDefaultMemory: 1e9,
      vncPort: 5900,
      sessionNetwork: 'streamspace-sessions',
      sessionRuntime: undefined,
      sessionGpus: undefined,
      sessionHomeDriver: 'local',
      sessionHomeOptions: undefined,
      maxSessions: 10,
      reservedCpu: undefined,
      reservedMemory: undefined,
      ...changes,
    });
    const warned: string[] = [];
    const log = { info() {}, warn: (_: object, message: string) => void warned.push(message) };
    const driver = (node: SwarmNode, changes: Partial<EngineSettings> = {}) =>
      driverOfEngine(settings(node, changes), undefined, systemClock, log);

    it('auto is the swarm on its manager, the engine on a worker and where the agent has sessions already', async () => {
      expect(await driver(manager)).toBeInstanceOf(SwarmDriver);
      expect(await driver(manager, { dockerMode: 'engine' })).toBeInstanceOf(DockerDriver);
      expect(await driver(two)).toBeInstanceOf(DockerDriver);
      const label = ['--label', `app=${APP.record}`, '--label', 'agent=modes'];
      manager.docker('create', '--name', 'ss-before.r1', ...label, COUNTER_IMAGE);
      expect(await driver(manager)).toBeInstanceOf(DockerDriver);
      expect(warned).toEqual([
        expect.stringMatching(/^The engine manages a swarm, and this agent has sessions on the engine alone/),
      ]);
      expect(await driver(manager, { dockerMode: 'swarm' })).toBeInstanceOf(SwarmDriver);
    });

    it('refuses what the engine or its swarm can’t do, by the setting’s name', async () => {
      const refused = (changes: Partial<EngineSettings>, setting: string, message: RegExp, node = manager) =>
        expect(driver(node, { dockerMode: 'swarm', ...changes })).rejects.toMatchObject({
          setting,
          message: expect.stringMatching(message),
        });
      await refused({}, 'DOCKER_MODE', /is a worker of its swarm: set DOCKER_HOST/, two);
      await refused(
        { dockerHost: 'unix:///var/run/docker.sock' },
        'DOCKER_MODE',
        /is in no swarm: make one .*DOCKER_MODE to engine$/,
      );
      await refused({ sessionRuntime: 'runsc' }, 'SESSION_RUNTIME', /unset it/);
      await refused({ sessionGpus: 'all' }, 'SESSION_GPUS', /unset it/);
      await refused({ sessionWarmPool: '/x' }, 'SESSION_WARM_POOL', /unset it/);
      await refused({ sessionImagePullPolicy: 'Never' }, 'SESSION_IMAGE_PULL_POLICY', /unset it/);
      await refused({ sessionHomeOptions: 'type=nfs device=:/homes' }, 'SESSION_HOME_OPTIONS', /has no \{home\}/);
    });
  });
});
