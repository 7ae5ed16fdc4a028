import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { freePorts, Program } from '@streamspace/testkit';
import { SERVER } from '../../test/support/redis-server.ts';
import { BenchProcess, root } from '../load/process.ts';
import { TEMPLATES, type Ports } from '../load/stack.ts';

const SECRET = 'a secret of the bench, long enough for HS256 ..';
const ENROLMENT = `sse_bench${'x'.repeat(40)}`;
const TICKS = 100;

/** Replicas of a hub on one Redis with AOF, on this machine. */
export class Cluster {
  readonly hubs: { program: Program; port: number }[] = [];
  readonly storeUrl: string;
  readonly token: string;
  readonly #redis: Program;
  readonly #folder = mkdtempSync(join(tmpdir(), 'streamspace-bench-hub-'));
  readonly #http = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #agents: BenchProcess[] = [];

  private constructor(redisPort: number, token: string) {
    this.storeUrl = `redis://127.0.0.1:${redisPort}`;
    this.token = token;
    this.#redis = new Program({
      name: 'redis',
      command: SERVER!,
      args: [
        '--port',
        `${redisPort}`,
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'yes',
        '--dir',
        this.#folder,
      ],
      log: join(this.#folder, 'redis.log'),
    });
  }

  static async start(hubs: number, env: Record<string, string> = {}, flags: string[] = []): Promise<Cluster> {
    const ports = await freePorts(hubs + 1);
    const token = await new SignJWT({ roles: ['admin', 'user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('bench')
      .setExpirationTime('2h')
      .sign(Buffer.from(SECRET));
    const cluster = new Cluster(ports.pop()!, token);
    cluster.#redis.start();
    const templates = join(cluster.#folder, 'templates.json');
    writeFileSync(templates, JSON.stringify(TEMPLATES));
    for (const [index, port] of ports.entries()) {
      const program = new Program({
        name: `hub-${index + 1}`,
        command: process.execPath,
        args: [...flags, `${root}dist/hub.js`],
        env: {
          PORT: `${port}`,
          METRICS_PORT: '0',
          HOST: '127.0.0.1',
          STORE_URL: cluster.storeUrl,
          JWT_SECRET: SECRET,
          ENROLMENT_TOKEN: ENROLMENT,
          TEMPLATES_FILE: templates,
          RATE_LIMIT: '1000000',
          LOG_LEVEL: 'warn',
          ...env,
        },
        log: join(cluster.#folder, `hub-${index + 1}.log`),
      });
      program.start();
      cluster.hubs.push({ program, port });
    }
    try {
      for (const { port } of cluster.hubs) await cluster.ready(port);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get ports(): number[] {
    return this.hubs.map(({ port }) => port);
  }

  async ready(port: number): Promise<void> {
    const end = performance.now() + 30_000;
    for (;;) {
      const ok = await fetch(`http://127.0.0.1:${port}/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ok) return;
      if (performance.now() > end) throw new Error(`hub at ${port} is not ready; see ${this.#folder}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The bench's agent, connected to that replica or, by a balancer, to any. */
  async agent(at: string, ports: Ports, id = 'bench'): Promise<void> {
    const agent = BenchProcess.node(
      'bench/load/agent.ts',
      {
        AGENT_ID: id,
        CONTROL_PLANE_URL: `ws://${at}`,
        PLATFORM: 'process',
        AGENT_TOKEN: ENROLMENT,
        STATE_DIR: join(this.#folder, id),
        MAX_SESSIONS: '10000',
        MAX_CONCURRENT_OPERATIONS: '64',
        RECONNECT_DELAY: '200ms',
        METRICS_ENABLED: 'false',
        HEALTH_PORT: '0',
        LOG_LEVEL: 'info',
        BENCH_PORTS: JSON.stringify(ports),
      },
      (line) => line.includes('"Connected"'),
    );
    this.#agents.push(agent);
    await agent.ready;
  }

  /** A REST call to the replica at `port`. Rejects with the status in the message. */
  call<T>(port: number, method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          port,
          host: '127.0.0.1',
          path: `/api/v1${path}`,
          method,
          agent: this.#http,
          headers: {
            authorization: `Bearer ${this.token}`,
            ...(text !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(text),
            }),
          },
        },
        (answer) => {
          let received = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (received += chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            if (answer.statusCode! < 300) resolve(JSON.parse(received) as T);
            else reject(new Error(`${answer.statusCode} ${received}`));
          });
        },
      );
      sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')));
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** Seconds of CPU that a process has used (Linux). */
  static cpu(pid: number): number {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  }

  /** Resident bytes (Linux). */
  static rss(pid: number): number {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  }

  async stop(): Promise<void> {
    this.#http.destroy();
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await Promise.all([...this.hubs.map(({ program }) => program.kill()), this.#redis.kill()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
