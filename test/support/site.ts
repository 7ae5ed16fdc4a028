import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { freePort } from '@streamspace/testkit';
import { until } from './until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A hub and replicas of one agent as processes of this machine, from `dist`, in a folder of their own. */
export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'streamspace-e2e-'));
  readonly #children = new Map<string, ChildProcess>();
  #origin = '';
  #token = '';

  private constructor() {}

  /** `replicas`: their environments, by name. Resolves when the agent is connected; rejects with what the programs said. */
  static async start(agentId: string, replicas: Readonly<Record<string, Record<string, string>>>): Promise<Site> {
    const site = new Site();
    const port = await freePort();
    const secret = randomBytes(32).toString('base64url');
    const enrolment = `sse_${randomBytes(32).toString('base64url')}`;
    site.#origin = `http://localhost:${port}`;
    site.#token = await new SignJWT({ roles: ['admin', 'user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('ada')
      .setExpirationTime('1h')
      .sign(Buffer.from(secret));
    site.#run('hub', 'hub', {
      PORT: String(port),
      METRICS_PORT: '0',
      HOST: '127.0.0.1',
      JWT_SECRET: secret,
      ENROLMENT_TOKEN: enrolment,
      ENROLMENT_TOKEN_AGENTS: agentId,
      PUBLIC_URL: site.#origin,
    });
    for (const [name, env] of Object.entries(replicas))
      site.#run(name, 'agent', {
        AGENT_ID: agentId,
        CONTROL_PLANE_URL: `ws://127.0.0.1:${port}`,
        AGENT_TOKEN: enrolment,
        STATE_DIR: join(site.folder, 'agent'),
        POD_NAME: name,
        RECONNECT_DELAY: '200ms',
        HEALTH_PORT: '0',
        METRICS_PORT: '0',
        ...env,
      });
    try {
      await until('the agent is connected', async () => (await site.agent())?.connected);
      return site;
    } catch (error) {
      const said = site.said();
      await site.stop();
      throw new Error(`${String(error)}\n${said}`, { cause: error });
    }
  }

  /** Opens the page with the user signed in. */
  get link(): string {
    return `${this.#origin}/#token=${this.#token}`;
  }

  async api<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#origin}/api/v1${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    return (await answer.json()) as T;
  }

  async agent(): Promise<Agent | undefined> {
    return (await this.api<{ items: Agent[] }>('/agents').catch(() => ({ items: [] as Agent[] }))).items[0];
  }

  /** Ends a replica at once, without a word. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name)!;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** What the programs said so far. */
  said(): string {
    return [...this.#children.keys()].map((name) => readFileSync(join(this.folder, `${name}.log`), 'utf8')).join('\n');
  }

  async stop(): Promise<void> {
    for (const child of [...this.#children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(name: string, program: 'hub' | 'agent', env: Record<string, string>): void {
    const child = spawn(process.execPath, [`dist/${program}.js`], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const file = join(this.folder, `${name}.log`);
    writeFileSync(file, '');
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => writeFileSync(file, chunk, { flag: 'a' }));
    this.#children.set(name, child);
  }
}
