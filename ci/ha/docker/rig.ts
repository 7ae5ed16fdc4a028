import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { Balancer, freePort } from '@streamspace/testkit';
import { PROGRAMS, STORE } from '../../kind/images.ts';
import { COUNTER, TEMPLATE } from '../counter.ts';
import { Hub } from '../hub.ts';
import { Rig } from '../rig.ts';
import { until } from '../until.ts';
import { DockerCluster, type Names } from './cluster.ts';
import { DockerEngine, filter, type Listed } from './engine.ts';
import { DockerEyes } from './eyes.ts';
import { FileLockView, RedisLockView } from './lock.ts';
import { COMPONENT } from './observed.ts';
import { Way } from './way.ts';

export type LockKind = 'file' | 'redis';

/** Label of the rig's own containers and networks. */
const OWN = 'streamspace-ha';
const REPLICAS = ['one', 'two', 'three'];
const HUBS = ['hub-one', 'hub-two'];
const CONNECTED_MS = 60_000;

/**
 * Hub (two replicas), store and three replicas of an agent as containers of the engine, each replica in networks from which it can be taken and
 * with a socket of its own, and the session. All of it is removed when the rig is closed. The images are those of the chart.
 */
export async function dockerRig(lock: LockKind, engine = new DockerEngine()): Promise<Rig<DockerCluster>> {
  const id = randomBytes(3).toString('hex');
  const folder = await mkdtemp(join(tmpdir(), 'ha-docker-'));
  await chmod(folder, 0o755);
  const installation = new Installation(engine, lock, id, folder);
  const stop = new AbortController();
  // one listener for every followed log
  setMaxListeners(0, stop.signal);
  try {
    const { cluster, hub } = await installation.make();
    const eyes = new DockerEyes(engine, cluster.lock, cluster.names);
    return await Rig.open({ cluster, hub, eyes, stop }, () => installation.remove());
  } catch (error) {
    stop.abort();
    await installation.remove();
    throw error;
  }
}

class Installation {
  readonly #engine: DockerEngine;
  readonly #lock: LockKind;
  readonly #id: string;
  readonly #folder: string;
  readonly #names: Names;
  readonly #ways = new Map<string, Way>();
  #balancer: Balancer | undefined;
  #cluster: DockerCluster | undefined;

  constructor(engine: DockerEngine, lock: LockKind, id: string, folder: string) {
    this.#engine = engine;
    this.#lock = lock;
    this.#id = id;
    this.#folder = folder;
    const network = (name: string) => `ss-ha-${id}-${name}`;
    const networks = { hub: network('hub'), lock: network('lock'), sessions: network('sessions') };
    this.#names = { own: `${OWN}=${id}`, agent: `ha-${id}`, networks };
  }

  async make(): Promise<{ cluster: DockerCluster; hub: Hub }> {
    const { hub: hubs, lock: locks, sessions } = this.#names.networks;
    const stores = `ss-ha-${this.#id}-store`;
    for (const Name of [hubs, locks, sessions, stores])
      await this.#engine.call('POST', '/networks/create', { Name, Labels: this.#labels('network') });
    await this.#makeImage();

    const [storePort, ...ports] = await Promise.all([freePort(), ...HUBS.map(freePort)]);
    const store = ['valkey-server', '--appendonly', 'yes', '--save', '', '--protected-mode', 'no'];
    await this.#run('store', 'redis', STORE, [stores, locks], {
      Cmd: store,
      Entrypoint: [],
      HostConfig: published(6379, storePort),
    });
    const secret = randomBytes(32).toString('base64url');
    const token = `sse_${randomBytes(32).toString('base64url')}`;
    const templates = join(this.#folder, 'templates.json');
    await writeFile(templates, JSON.stringify([this.#template()]), { mode: 0o644 });
    await Promise.all(
      HUBS.map((name, index) =>
        this.#run(name, 'api', PROGRAMS.api, [stores, hubs], {
          Env: variables({
            JWT_SECRET: secret,
            STORE_URL: 'redis://store:6379',
            ENROLMENT_TOKEN: token,
            ENROLMENT_TOKEN_AGENTS: this.#names.agent,
            RATE_LIMIT: '100000',
            TEMPLATES_FILE: '/templates.json',
          }),
          HostConfig: { ...published(8080, ports[index]!), Binds: [`${templates}:/templates.json:ro`] },
        }),
      ),
    );
    await this.#makeReplicas(token);

    this.#balancer = new Balancer(ports);
    await this.#balancer.start();
    const user = await new SignJWT({ roles: ['admin', 'user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('admin')
      .setExpirationTime('24h')
      .sign(Buffer.from(secret));
    const hub = new Hub(`http://${this.#balancer.url}`, user, this.#names.agent);
    const lock =
      this.#lock === 'file'
        ? new FileLockView(join(this.#folder, 'state', 'leases', this.#names.agent))
        : new RedisLockView(`redis://127.0.0.1:${storePort}`, this.#names.agent);
    this.#cluster = new DockerCluster({ engine: this.#engine, lock, names: this.#names, ways: this.#ways });
    await until('the agent is connected', async () => (await hub.agentNow())?.connected, CONNECTED_MS);
    return { cluster: this.#cluster, hub };
  }

  async remove(): Promise<void> {
    this.#cluster?.lock.close();
    this.#balancer?.stop();
    const find = (label: string) =>
      this.#engine.get<Listed[]>(`/containers/json?all=true&${filter({ label: [label] })}`);
    // agents first: they would see to it that the sessions run
    for (const label of [this.#names.own, `agent=${this.#names.agent}`])
      await Promise.all(
        (await find(label)).map(({ Id }) => this.#engine.call('DELETE', `/containers/${Id}?force=true&v=true`)),
      );
    const { Volumes } = await this.#engine.get<{ Volumes: { Name: string }[] | null }>(
      `/volumes?${filter({ label: [`agent=${this.#names.agent}`] })}`,
    );
    for (const { Name } of Volumes ?? []) await this.#engine.call('DELETE', `/volumes/${Name}`);
    const networks = await this.#engine.get<{ Id: string }[]>(`/networks?${filter({ label: [this.#names.own] })}`);
    for (const { Id } of networks) await this.#engine.call('DELETE', `/networks/${Id}`);
    for (const way of this.#ways.values()) await way.cut();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #makeReplicas(token: string): Promise<void> {
    const { hub, lock, sessions } = this.#names.networks;
    const state = join(this.#folder, 'state');
    await mkdir(state);
    // the image's user is nobody here
    await chmod(state, 0o777);
    await Promise.all(
      REPLICAS.map(async (replica) => {
        const name = this.#name(replica);
        const socket = join(this.#folder, replica);
        await mkdir(socket);
        const way = new Way(join(socket, 'docker.sock'), this.#engine.socket);
        await way.open();
        this.#ways.set(name, way);
        const file = this.#lock === 'file';
        await this.#run(replica, 'k8s-agent', PROGRAMS.agent, [sessions, hub, lock], {
          Env: variables({
            AGENT_ID: this.#names.agent,
            CONTROL_PLANE_URL: 'ws://hub:8080',
            AGENT_TOKEN: token,
            PLATFORM: 'docker',
            DOCKER_HOST: 'unix:///run/engine/docker.sock',
            ENABLE_HA: 'true',
            POD_NAME: name,
            LEASE_LOCK: file ? 'file' : 'redis://store:6379',
            SESSION_NETWORK: sessions,
            RECONNECT_DELAY: '500ms',
            MAX_RECONNECT_DELAY: '5s',
            ...(file && { STATE_DIR: '/state' }),
          }),
          HostConfig: { Binds: [`${socket}:/run/engine`, ...(file ? [`${state}:/state`] : [])] },
        });
      }),
    );
  }

  #template() {
    const size = { cpu: 0.15, memory: 64 * 1024 ** 2, storage: 16 * 1024 ** 2 };
    const about = { name: 'Counter', description: 'A screen that counts', platforms: ['docker'] };
    return { id: TEMPLATE, ...about, ...size, image: this.#image, env: {} };
  }

  get #image(): string {
    return 'streamspace/ha-counter:latest';
  }

  /** The agent's image with the program of the sessions. */
  async #makeImage(): Promise<void> {
    // without labels of this rig: the image keeps them, and other rigs run it too
    const body = { Image: PROGRAMS.agent };
    const { Id } = await this.#engine.call<{ Id: string }>('POST', '/containers/create', body);
    const [repo, tag] = this.#image.split(':');
    const config = { Entrypoint: ['node', '-e', COUNTER], User: '1000:1000', Healthcheck: { Test: ['NONE'] } };
    await this.#engine.call('POST', `/commit?container=${Id}&repo=${repo}&tag=${tag}`, config);
    await this.#engine.call('DELETE', `/containers/${Id}`);
  }

  async #run(name: string, component: string, image: string, networks: string[], more: object): Promise<void> {
    const [first, ...others] = networks;
    // by the same name in each of its networks; both hubs are "hub" too
    const endpoint = { Aliases: component === 'api' ? [name, 'hub'] : [name] };
    const { HostConfig = {}, ...rest } = more as { HostConfig?: object };
    const { Id } = await this.#engine.call<{ Id: string }>(
      'POST',
      `/containers/create?name=${encodeURIComponent(this.#name(name))}`,
      {
        Image: image,
        Labels: this.#labels(component),
        // its log is text without frames then
        Tty: true,
        Healthcheck: { Test: ['NONE'] },
        HostConfig: { NetworkMode: first, ...HostConfig },
        NetworkingConfig: { EndpointsConfig: { [first!]: endpoint } },
        ...rest,
      },
    );
    for (const network of others)
      await this.#engine.call('POST', `/networks/${network}/connect`, { Container: Id, EndpointConfig: endpoint });
    await this.#engine.call('POST', `/containers/${Id}/start`);
  }

  #name(program: string): string {
    return `ss-ha-${this.#id}-${program}`;
  }

  #labels(component: string): Record<string, string> {
    return { [OWN]: this.#id, [COMPONENT]: component };
  }
}

const variables = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`);

const published = (port: number, at: number) => ({
  PortBindings: { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(at) }] },
});
