import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Accepted, Command, Session, Template, Ticket } from '@streamspace/protocol';
import { SessionProofs, sessionKeyOf } from '../../api/src/sessions/proof.ts';
import { SignJWT } from 'jose';
import { type Channel, webSocketChannel } from './channel.ts';
import { BenchProcess } from './process.ts';

export interface Ports {
  echo: number;
  flood: number;
  busy: number;
}

/** A container in which the target runs. */
export interface InContainer {
  readonly id: string;
  /** Whether screens are opened at its address; otherwise by a process in it. */
  readonly byAddress: boolean;
}

export const TEMPLATES: Template[] = ['echo', 'flood', 'busy'].map((id) => ({
  id,
  name: id,
  description: 'a screen of the bench',
  platforms: ['process'],
  image: '',
  cpu: 0.001,
  memory: 1024,
  storage: 1024,
  env: {},
}));

/** A hub and one agent as users run them, but for the agent's driver: its sessions' screens are the bench's own servers. */
export class Stack {
  readonly hub: BenchProcess;
  readonly agent: BenchProcess;
  readonly origin: string;
  readonly token: string;
  readonly enrolmentToken: string;
  /** Signs sessions as its hub does. */
  readonly proofs: SessionProofs;
  readonly #folder: string;
  readonly #http = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(
    hub: BenchProcess,
    agent: BenchProcess,
    origin: string,
    token: string,
    enrolmentToken: string,
    proofs: SessionProofs,
    folder: string,
  ) {
    this.hub = hub;
    this.agent = agent;
    this.origin = origin;
    this.token = token;
    this.enrolmentToken = enrolmentToken;
    this.proofs = proofs;
    this.#folder = folder;
  }

  /** `hubEnv`: settings of the hub beyond those of the bench. `container`: the target's, if it is not on loopback. */
  static async start(ports: Ports, hubEnv: Record<string, string> = {}, container?: InContainer): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), 'streamspace-bench-'));
    const templates = join(folder, 'templates.json');
    writeFileSync(templates, JSON.stringify(TEMPLATES));
    const secret = randomBytes(32).toString('base64url');
    const enrolmentToken = `sse_${randomBytes(32).toString('base64url')}`;
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const hub = BenchProcess.node(
      'dist/hub.js',
      {
        PORT: String(port),
        METRICS_PORT: '0',
        HOST: '127.0.0.1',
        JWT_SECRET: secret,
        ENROLMENT_TOKEN: enrolmentToken,
        TEMPLATES_FILE: templates,
        LOG_LEVEL: 'info',
        RATE_LIMIT: '1000000',
        HEARTBEAT_INTERVAL: '30s',
        ...hubEnv,
      },
      (line) => line.includes('listening'),
    );
    await hub.ready;
    const agent = BenchProcess.node(
      'bench/load/agent.ts',
      {
        AGENT_ID: 'bench',
        CONTROL_PLANE_URL: `ws://127.0.0.1:${port}`,
        PLATFORM: 'process',
        AGENT_TOKEN: enrolmentToken,
        STATE_DIR: join(folder, 'agent'),
        MAX_SESSIONS: '10000',
        MAX_CONCURRENT_OPERATIONS: '64',
        METRICS_ENABLED: 'false',
        HEALTH_PORT: '0',
        LOG_LEVEL: 'info',
        BENCH_PORTS: JSON.stringify(ports),
        ...(container && { BENCH_CONTAINER: JSON.stringify(container) }),
      },
      (line) => line.includes('"Connected"'),
    );
    await agent.ready;
    const token = await new SignJWT({ roles: ['admin', 'user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('bench')
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(Buffer.from(secret));
    const proofs = new SessionProofs([sessionKeyOf(secret)]);
    return new Stack(hub, agent, `http://127.0.0.1:${port}`, token, enrolmentToken, proofs, folder);
  }

  /** A REST call with minimal work in the load generator. */
  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        `${this.origin}/api/v1${path}`,
        {
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
          answer.on('end', () => {
            if (answer.statusCode! < 300) resolve(JSON.parse(received) as T);
            else reject(new Error(`${method} ${path}: ${answer.statusCode} ${received}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** Creates a session of a bench template and waits until it runs. */
  async session(template: 'echo' | 'flood' | 'busy'): Promise<string> {
    const { session, command } = await this.call<Accepted>('POST', '/sessions', { template });
    for (;;) {
      const { state, error } = await this.call<Command>('GET', `/commands/${command.id}`);
      if (state === 'completed') return session.id;
      if (state === 'failed') throw new Error(error?.message ?? 'failed');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  sessions = async (): Promise<Session[]> => (await this.call<{ items: Session[] }>('GET', '/sessions?all=true')).items;

  /** A viewer of the session. */
  async view(sessionId: string): Promise<Channel> {
    return webSocketChannel(await this.#viewUrl(sessionId));
  }

  /** Viewers in a separate process that read everything. */
  async takers(sessionId: string, count: number): Promise<BenchProcess> {
    const urls = await Promise.all(Array.from({ length: count }, () => this.#viewUrl(sessionId)));
    const process_ = BenchProcess.node(
      'bench/load/taker.ts',
      { TAKE: JSON.stringify(urls) },
      (line) => line === 'taking',
    );
    await process_.ready;
    return process_;
  }

  async #viewUrl(sessionId: string): Promise<string> {
    const { url } = await this.call<Ticket>('POST', `/sessions/${sessionId}/ticket`);
    return new URL(url, this.origin.replace('http', 'ws')).href;
  }

  async stop(): Promise<void> {
    this.#http.destroy();
    await this.agent.stop();
    await this.hub.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
