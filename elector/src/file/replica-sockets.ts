import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, rename, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** Longest path of a socket in bytes that every system takes. */
const LONGEST = 99;

/**
 * Sockets in a folder, one for each living replica: for replicas in containers of one host, which share the folder but not the process
 * ids. The kernel refuses connections to a socket as soon as its process is gone, and accepts them while that is only frozen.
 */
export class ReplicaSockets {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Shows this process under that identity, which no other had, until the returned function is called. Does nothing where the folder can hold no socket. */
  async show(identity: string): Promise<() => void> {
    const path = this.#path(identity);
    if (path === undefined) return () => undefined;
    await mkdir(this.#directory, { recursive: true });
    const server = createServer((asker) => asker.destroy());
    const made = `${path}~`;
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(made, () => resolve(true));
    });
    if (!listens) return () => undefined;
    server.on('error', () => undefined).unref();
    // a socket that is bound and does not listen yet refuses connections, as one of a dead process does: it gets its name afterwards
    await rename(made, path);
    return () => {
      // first the name, so that nobody takes a replica that leaves for one that died
      rmSync(path, { force: true });
      server.close();
    };
  }

  /** Whether the process that showed itself under that identity is certainly gone; false also if none ever did, or nothing can be said. */
  isGone(identity: string): Promise<boolean> {
    const path = this.#path(identity);
    if (path === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const asking = connect(path);
      asking.once('connect', () => {
        asking.destroy();
        resolve(false);
      });
      asking.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
    });
  }

  /** Removes what a process that is gone left behind. */
  async forget(identity: string): Promise<void> {
    const path = this.#path(identity);
    if (path !== undefined) await unlink(path).catch(() => undefined);
  }

  #path(identity: string): string | undefined {
    const path = join(this.#directory, createHash('sha256').update(identity).digest('hex').slice(0, 12));
    return Buffer.byteLength(path) > LONGEST ? undefined : path;
  }
}
