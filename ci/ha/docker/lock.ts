import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A lease as its lock holds it: the replica's name, and the term. */
export interface Held {
  holder: string;
  term: number;
}

/** The lock from outside, by what it keeps; shares no code with the elector. */
export interface LockView {
  /** Undefined: there is no lease. Rejects if the lock can't be read now. */
  read(): Promise<Held | undefined>;
  /** Deletes it as an operator would; false when there was none. */
  delete(): Promise<boolean>;
  close(): void;
}

function held(text: string | null): Held | undefined {
  const { holder = '', term = 0 } = (JSON.parse(text ?? 'null') ?? {}) as Partial<Held>;
  return holder === '' && term === 0 ? undefined : { holder: holder.split('@')[0]!, term };
}

/** The files `lease.<version>` of a folder. */
export class FileLockView implements LockView {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(): Promise<Held | undefined> {
    const newest = (await this.#files()).at(-1);
    return newest === undefined ? undefined : held(await readFile(join(this.#folder, newest), 'utf8'));
  }

  async delete(): Promise<boolean> {
    const files = await this.#files();
    for (const name of files) await rm(join(this.#folder, name), { force: true });
    return files.length > 0;
  }

  close(): void {}

  async #files(): Promise<string[]> {
    const version = (name: string) => Number(name.slice('lease.'.length));
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => /^lease\.\d+$/.test(name)).sort((a, b) => version(a) - version(b));
  }
}

/** The lease of an agent in Redis. */
export class RedisLockView implements LockView {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(url: string, agent: string) {
    this.#redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 100 });
    this.#redis.on('error', () => undefined);
    this.#key = `{lease:${agent}}`;
  }

  async read(): Promise<Held | undefined> {
    return held(await this.#redis.hget(this.#key, 'record'));
  }

  async delete(): Promise<boolean> {
    return (await this.#redis.del(this.#key)) === 1;
  }

  close(): void {
    this.#redis.disconnect();
  }
}
