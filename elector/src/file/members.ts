import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../lock.ts';

/** The replicas on this machine for the same lease: one file each. */
export class Members {
  readonly #directory: string;
  readonly #isGone: (identity: string) => Promise<boolean>;

  constructor(directory: string, isGone: (identity: string) => Promise<boolean>) {
    this.#directory = directory;
    this.#isGone = isGone;
  }

  async add(candidate: Candidate): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const path = this.#path(candidate.identity);
    const temporary = join(this.#directory, `.${encodeURIComponent(candidate.identity)}`);
    await writeFile(temporary, JSON.stringify(candidate));
    await rename(temporary, path);
  }

  async remove(identity: string): Promise<void> {
    await unlink(this.#path(identity)).catch(() => undefined);
  }

  /** The living ones, longest first. Removes the files of dead ones. */
  async list(): Promise<Candidate[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const found = await Promise.all(names.filter((name) => !name.startsWith('.')).map((name) => this.#read(name)));
    return found.filter((candidate) => candidate !== undefined).toSorted((a, b) => (a.since < b.since ? -1 : 1));
  }

  async #read(name: string): Promise<Candidate | undefined> {
    try {
      const { identity, since } = JSON.parse(await readFile(join(this.#directory, name), 'utf8')) as Candidate;
      if (!(await this.#isGone(identity))) return { identity, since };
      await this.remove(identity);
    } catch {
      // withdrawn meanwhile
    }
    return undefined;
  }

  #path(identity: string): string {
    return join(this.#directory, encodeURIComponent(identity));
  }
}
