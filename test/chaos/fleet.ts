import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { Balancer } from './balancer.ts';
import { Program } from './program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SECRET = 'a secret of the chaos runs, long enough for HS256';

export interface FleetSize {
  hubs: number;
  agents: number;
  replicas: number;
}

/** Hubs on one Redis with a replica, agents of several replicas, and the world: all of them processes of this machine. */
export class Fleet {
  readonly hubs: Program[] = [];
  readonly agents: Program[] = [];
  readonly redis!: Program;
  readonly redisReplica!: Program;
  readonly balancer!: Balancer;
  readonly worldPort!: number;
  readonly token!: string;
  readonly folder: string;
  readonly #all: Program[] = [];

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
    const ports = await freePorts(hubs + 3);
    const [redisPort, replicaPort, worldPort] = ports.splice(0, 3) as [number, number, number];
    const redis = (name: string, port: number, ...more: string[]) => {
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', this.folder, ...more];
      return this.#program({ name, command: 'redis-server', args: settings });
    };
    const aof = (name: string) => ['--appendonly', 'yes', '--appenddirname', name];
    Object.assign(this, {
      redis: redis('redis', redisPort, ...aof('primary')),
      redisReplica: redis('redis-replica', replicaPort, ...aof('replica'), '--replicaof', `127.0.0.1 ${redisPort}`),
      worldPort,
      balancer: new Balancer(ports),
      token: await new SignJWT({ roles: ['admin', 'user'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('chaos')
        .setExpirationTime('2h')
        .sign(Buffer.from(SECRET)),
    });
    redis('world', worldPort).start();
    this.redis.start();
    this.redisReplica.start();
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
          HOST: '127.0.0.1',
          STORE_URL: `redis://127.0.0.1:${redisPort}`,
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
            // each replica keeps a credential of its own, as pods without a shared disk do
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

  /** GET of the hub's API, by whichever replica. Rejects when it isn't answered with 200. */
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

  /** What the processes said stays until now. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
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

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
