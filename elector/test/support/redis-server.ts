import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '@streamspace/testkit';
import { find, Program, until } from './programs.ts';

/** Where a Redis or Valkey server is; or why there is none, in words. */
export async function redisProgram(): Promise<{ server: string } | { missing: string }> {
  const server = (await find('redis-server')) ?? (await find('valkey-server'));
  return server ? { server } : { missing: 'no redis-server or valkey-server on the PATH' };
}

/** A real Redis, as a process. */
export class RedisServer {
  readonly port: number;
  readonly url: string;
  readonly #server: string;
  readonly #folder: string;
  #program: Program | undefined;

  static async start({ server }: { server: string }): Promise<RedisServer> {
    const redis = new RedisServer(server, await mkdtemp(join(tmpdir(), 'redis-')), await freePort());
    await redis.resume();
    return redis;
  }

  private constructor(server: string, folder: string, port: number) {
    this.#server = server;
    this.#folder = folder;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  async resume(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes'];
    this.#program = new Program(this.#server, [...args, '--dir', this.#folder]);
    const client = new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    try {
      let answered = false;
      void client.ping().then(() => (answered = true));
      await until(
        () => answered,
        10_000,
        () => `redis answers\n${this.#program!.output}`,
      );
    } finally {
      client.disconnect();
    }
  }

  async kill(): Promise<void> {
    await this.#program?.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
