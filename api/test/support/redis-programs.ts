import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions as AllOptions } from 'ioredis';
import { freePort } from '@streamspace/testkit';
import { ABOUT_SERVER, SERVER } from '../../../test/support/redis-server.ts';

export { ABOUT_SERVER, SERVER };

type RedisOptions = Omit<AllOptions, 'replyMapping'>;

/** A free port for a server, which as a node of a Cluster takes the one 10,000 above, too. */
export async function redisPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

/** A server as a process in a folder of its own. `settings` are lines of its configuration, `PORT` in them is its port. */
export class RedisProcess {
  readonly port: number;
  readonly #folder: string;
  readonly #mode: 'server' | 'sentinel';
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;
  #printed = '';

  static async start(
    settings: readonly string[] = [],
    { mode = 'server', client = {}, port }: { mode?: 'server' | 'sentinel'; client?: RedisOptions; port?: number } = {},
  ): Promise<RedisProcess> {
    const started = new RedisProcess(port ?? (await redisPort()), mode, client, settings);
    await started.resume();
    return started;
  }

  private constructor(port: number, mode: 'server' | 'sentinel', options: RedisOptions, settings: readonly string[]) {
    this.port = port;
    this.#mode = mode;
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'streamspace-redis-'));
    const own = mode === 'sentinel' ? [] : ['save ""', 'repl-diskless-sync-delay 0'];
    const plain = settings.some((line) => line.startsWith('tls-port')) ? ['port 0'] : [`port ${port}`];
    const lines = [...plain, 'bind 127.0.0.1', `dir ${this.#folder}`, ...own, ...settings];
    writeFileSync(
      join(this.#folder, 'redis.conf'),
      lines.map((line) => line.replaceAll('PORT', String(port))).join('\n'),
    );
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A client of the test's own. The caller disconnects it. */
  client(): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
      ...this.#options,
    });
    client.on('error', () => undefined);
    return client;
  }

  /** Starts it (again); resolves when it answers. */
  async resume(): Promise<void> {
    const sentinel = this.#mode === 'sentinel' ? ['--sentinel'] : [];
    const child = spawn(SERVER!, [join(this.#folder, 'redis.conf'), ...sentinel], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#printed = (this.#printed + chunk.toString()).slice(-4_000)));
    const client = this.client();
    try {
      await Promise.race([
        client.ping(),
        new Promise((_, reject) => {
          child.once('exit', () => reject(new Error(`the server ended: ${this.#printed}`)));
          child.once('error', reject);
        }),
      ]);
    } finally {
      client.disconnect();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it at once, as a crash does; its files stay. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Tries until `check` is true; fails with `what` after `ms`. */
export async function eventually(what: string, check: () => Promise<boolean>, ms = 30_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
