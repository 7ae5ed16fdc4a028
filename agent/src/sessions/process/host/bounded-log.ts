import { type FileHandle, open, rename } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** A log of programs' output that takes at most twice `limit` bytes of disk: the older half is `<path>.1`. */
export class BoundedLog {
  readonly #path: string;
  readonly #limit: number;
  #file: FileHandle | undefined;
  #size = 0;

  constructor(path: string, limit = 512 * 1024) {
    this.#path = path;
    this.#limit = limit;
  }

  /** Copies a stream until it ends; pauses the stream while the disk is slow. Drops output that a full disk refuses. */
  async copy(stream: Readable): Promise<void> {
    try {
      for await (const chunk of stream) await this.#write(chunk as Buffer).catch(() => {});
    } catch {
      // the program has ended
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #write(chunk: Buffer): Promise<void> {
    if (this.#file && this.#size + chunk.length > this.#limit) {
      await this.close();
      await rename(this.#path, `${this.#path}.1`);
    }
    this.#file ??= await this.#open();
    this.#size += chunk.length;
    await this.#file.appendFile(chunk);
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, 'a', 0o600);
    this.#size = (await file.stat()).size;
    return file;
  }
}
