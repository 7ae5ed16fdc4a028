import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import { SERVER } from '../support/redis-server.ts';
import { Balancer, freePorts, Program } from '@streamspace/testkit';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SECRET = 'a secret of the chaos runs, long enough for HS256';

export interface FleetSize {
  hubs: number;
  agents: number;
  replicas: number;
}

/** Hubs on a Redis or Valkey with a replica and three Sentinels, agents of several replicas, and their platform: all of them processes of this machine. */
export class Fleet {
  readonly hubs: Program[] = [];
  readonly agents: Program[] = [];
  /** Two servers: the Sentinels decide which is the primary; the other is its replica. */
  readonly stores: { readonly program: Program; readonly port: number }[] = [];
  readonly balancer!: Balancer;
  readonly worldPort!: number;
  readonly token!: string;
  readonly folder: string;
  readonly #all: Program[] = [];
  #sentinelPorts: number[] = [];

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'streamspace-chaos-'));
  }

  static async start(size: FleetSize): Promise<Fleet> {
    const fleet = new Fleet();
    try {
      await fleet.#start(size);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  async #start({ hubs, agents, replicas }: FleetSize): Promise<void> {
    const ports = await freePorts(hubs + 6);
    const [worldPort, firstPort, secondPort, ...sentinelPorts] = ports.splice(0, 6) as [
      number,
      number,
      number,
      ...number[],
    ];
    this.#sentinelPorts = sentinelPorts;
    for (const [name, port] of [
      ['store-1', firstPort],
      ['store-2', secondPort],
    ] as const) {
      const following = port === firstPort ? [] : [`replicaof 127.0.0.1 ${firstPort}`];
      const program = this.#server(name, port, [
        'appendonly yes',
        'repl-diskless-sync-delay 0',
        // a primary that was frozen during the promotion of the other must accept no more writes
        'min-replicas-to-write 1',
        'min-replicas-max-lag 3',
        ...following,
      ]);
      this.stores.push({ program, port });
    }
    const sentinels = sentinelPorts.map((port, index) =>
      this.#server(
        `sentinel-${index + 1}`,
        port,
        [
          `sentinel monitor main 127.0.0.1 ${firstPort} 2`,
          'sentinel down-after-milliseconds main 1500',
          'sentinel failover-timeout main 5000',
        ],
        ['--sentinel'],
      ),
    );
    Object.assign(this, {
      worldPort,
      balancer: new Balancer(ports),
      token: await new SignJWT({ roles: ['admin', 'user'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('chaos')
        .setExpirationTime('2h')
        .sign(Buffer.from(SECRET)),
    });
    this.#server('world', worldPort, []).start();
    for (const { program } of this.stores) program.start();
    await until('the replica follows', 20_000, () => this.storesWell());
    for (const sentinel of sentinels) sentinel.start();
    await until('the Sentinels know each other and the replica', 30_000, async () => {
      const known = await this.#ask(sentinelPorts[0]!, async (client) => {
        const flat = (await client.call('SENTINEL', 'MASTER', 'main')) as string[];
        const value = (name: string) => flat[flat.indexOf(name) + 1];
        return `${value('num-slaves')} ${value('num-other-sentinels')}`;
      });
      return known === '1 2';
    });
    await this.balancer.start();

    const ids = Array.from({ length: agents }, (_, index) => `agent-${index + 1}`);
    const tokens = ids.map((id) => [id, `sse_${id}${'x'.repeat(32)}`] as const);
    for (const [index, port] of ports.entries()) {
      const hub = this.#program({
        name: `hub-${index + 1}`,
        command: process.execPath,
        args: [join(root, 'dist/hub.js')],
        env: {
          PORT: String(port),
          METRICS_PORT: '0',
          HOST: '127.0.0.1',
          STORE_URL: `redis+sentinel://${sentinelPorts.map((each) => `127.0.0.1:${each}`).join(',')}/main`,
          STORE_WAIT_REPLICAS: '1',
          JWT_SECRET: SECRET,
          AGENT_ENROLMENT_TOKENS: tokens.map((pair) => pair.join('=')).join(','),
          HEARTBEAT_INTERVAL: '2s',
          COMMAND_TIMEOUT: '10m',
          RATE_LIMIT: '1000000',
          DRAIN_TIMEOUT: '8s',
          LOG_LEVEL: 'info',
        },
      });
      this.hubs.push(hub);
      hub.start();
    }
    await until('the hubs are ready', 30_000, () => this.balancer.ready === hubs);
    for (const [id, token] of tokens) {
      for (let replica = 1; replica <= replicas; replica += 1) {
        const name = `${id}-${replica}`;
        const agent = this.#program({
          name,
          command: process.execPath,
          args: [join(root, 'dist/chaos/agent.js')],
          env: {
            AGENT_ID: id,
            POD_NAME: name,
            CONTROL_PLANE_URL: `ws://${this.balancer.url}`,
            PLATFORM: 'process',
            AGENT_TOKEN: token,
            ENABLE_HA: 'true',
            // each replica keeps its own credential, as pods without a shared disk do
            STATE_DIR: join(this.folder, 'state', name),
            LEASE_LOCK: `file:${join(this.folder, 'leases', id)}`,
            LEASE_DURATION: '3s',
            LEASE_RENEW_DEADLINE: '2s',
            LEASE_RETRY_PERIOD: '500ms',
            HEARTBEAT_INTERVAL: '2s',
            RECONNECT_DELAY: '200ms',
            MAX_RECONNECT_DELAY: '2s',
            GRACEFUL_SHUTDOWN_TIMEOUT: '5s',
            METRICS_ENABLED: 'false',
            HEALTH_PORT: '0',
            CHAOS_WORLD: String(worldPort),
          },
        });
        this.agents.push(agent);
        agent.start();
      }
    }
    await until('the agents are connected', 60_000, async () => {
      const { items } = (await this.get('/agents').catch(() => ({ items: [] }))) as { items: { connected: boolean }[] };
      return items.filter((agent) => agent.connected).length === agents;
    });
  }

  /** The server that is the primary, according to a Sentinel; undefined if none answers. */
  async primary(): Promise<Fleet['stores'][number] | undefined> {
    for (const sentinel of this.#sentinelPorts) {
      const address = await this.#ask(
        sentinel,
        (client) => client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main') as Promise<string[] | null>,
      );
      const found = this.stores.find(({ port }) => String(port) === address?.[1]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether one server is the primary and the other follows without a gap, so that one may fail. */
  async storesWell(): Promise<boolean> {
    const roles = await Promise.all(
      this.stores.map(({ port }) => this.#ask(port, (client) => client.info('replication'))),
    );
    const primaries = roles.filter((role) => role?.includes('role:master') && role.includes('state=online'));
    const following = roles.filter((role) => role?.includes('master_link_status:up'));
    return primaries.length === 1 && following.length === 1;
  }

  async #ask<T>(port: number, question: (client: Redis) => Promise<T>): Promise<T | undefined> {
    const options = { host: '127.0.0.1', port, commandTimeout: 1_000, connectTimeout: 1_000 };
    const client = new Redis({ ...options, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await question(client);
    } catch {
      return undefined;
    } finally {
      client.disconnect();
    }
  }

  /** GET of the hub's API, by any replica. Rejects unless the answer is 200. */
  async get(path: string): Promise<unknown> {
    const answer = await fetch(`http://${this.balancer.url}/api/v1${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(5_000),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  async stop(): Promise<void> {
    this.balancer?.stop();
    await Promise.all(this.#all.map((program) => program.kill()));
  }

  /** The processes' logs are kept. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A Redis or Valkey with a configuration file of its own: Sentinels rewrite it. */
  #server(name: string, port: number, lines: string[], flags: string[] = []): Program {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const own = flags.length === 0 ? ['save ""'] : [];
    const settings = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...own, ...lines];
    writeFileSync(join(folder, 'server.conf'), `${settings.join('\n')}\n`);
    return this.#program({ name, command: SERVER!, args: [join(folder, 'server.conf'), ...flags] });
  }

  #program(options: { name: string; command: string; args: string[]; env?: Record<string, string> }): Program {
    const program = new Program({
      ...options,
      cwd: this.folder,
      log: join(this.folder, 'logs', `${options.name}.log`),
    });
    this.#all.push(program);
    return program;
  }
}

export async function until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
