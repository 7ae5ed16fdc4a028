import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StreamSpaceError } from '@streamspace/protocol';
import { isDeepStrictEqual } from 'node:util';
import { unreadable } from '../core/stored-spec.ts';
import { type BrokenRecord, parseRecord, type RecordFile, type SessionRecord } from './record.ts';

/** A record's file with the version that it was read at. */
interface Versioned extends RecordFile {
  readonly version: number;
}

/** Writes that a record remembers: more than others can make between two steps of a writer that is awake. */
const WRITES = 64;

const ATTEMPTS = 100;

/**
 * The sessions' records as files `session.<version>.json`, the highest version counts. A change is a hard link to the next version's
 * name, which exactly one of several writers gets: compare-and-set between processes without a lock that could outlive its holder.
 * A writer that was paused and finds its version's name free again (pruned) sees a higher one afterwards that does not come of its own, and
 * knows that it lost.
 */
export class RecordStore {
  readonly #folder: (id: string) => string;

  constructor(folder: (id: string) => string) {
    this.#folder = folder;
  }

  /** Throws `driver_failed` when there is one that can't be read. */
  async read(id: string): Promise<SessionRecord | undefined> {
    const found = await this.look(id);
    if (found !== undefined && 'problem' in found) throw unreadable(id, found.problem);
    return found;
  }

  /** As it is, whether it can be read or not. */
  async look(id: string): Promise<SessionRecord | BrokenRecord | undefined> {
    const latest = await this.#latest(id);
    return latest?.record ?? latest?.broken;
  }

  /**
   * Replaces the record by what `decide` makes of it; it decides again when another writer was first, changes nothing when it
   * returns the same record, and throws to refuse. Returns what is then valid. One that can't be read is replaced only where `mend`
   * says as what it counts; otherwise it throws as `read` does.
   */
  async change(
    id: string,
    decide: (current: SessionRecord | undefined) => SessionRecord,
    mend?: (broken: BrokenRecord) => SessionRecord,
  ): Promise<SessionRecord> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const current = await this.#latest(id);
      const broken = current?.broken;
      if (broken !== undefined && mend === undefined) throw unreadable(id, broken.problem);
      const known = broken === undefined ? current?.record : mend!(broken);
      const next = decide(known);
      if (next === known && broken === undefined) return next;
      if (await this.#write(id, next, current)) return next;
    }
    throw new StreamSpaceError(
      'driver_failed',
      `Session ${id} is changed by others all the time: is another agent using the same state folder?`,
    );
  }

  /** Forgets the session if nobody changed it since `record` was read. */
  async forget(id: string, record: SessionRecord): Promise<void> {
    const current = await this.#latest(id);
    if (!current || !isDeepStrictEqual(current.record, record)) return;
    await this.#prune(id, current.version);
    await unlessMissing(unlink(this.#file(id, current.version)));
    // fails when another writer is at it: then the folder is wanted
    await rmdir(this.#folder(id)).catch(() => {});
  }

  #file(id: string, version: number): string {
    return join(this.#folder(id), `session.${version}.json`);
  }

  async #versions(id: string): Promise<number[]> {
    const names = (await unlessMissing(readdir(this.#folder(id)))) ?? [];
    return names.flatMap((name) => /^session\.(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  }

  async #latest(id: string): Promise<Versioned | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const versions = await this.#versions(id);
      if (versions.length === 0) return undefined;
      const version = Math.max(...versions);
      const text = await unlessMissing(readFile(this.#file(id, version), 'utf8'));
      if (text === undefined) continue; // pruned meanwhile: there is a newer one
      const { broken, ...read } = parseRecord(id, text);
      if (broken === undefined) return { version, ...read };
      const problem = `session.${version}.json: ${broken.problem}`;
      return { version, ...read, broken: { ...broken, problem } };
    }
    throw new StreamSpaceError(
      'driver_failed',
      `Session ${id} is changed by others all the time: is another agent using the same state folder?`,
    );
  }

  async #write(id: string, record: SessionRecord, current: Versioned | undefined): Promise<boolean> {
    const version = (current?.version ?? 0) + 1;
    const own = randomBytes(8).toString('hex');
    const writes = [own, ...(current?.writes ?? [])].slice(0, WRITES);
    const text = JSON.stringify({ ...withKept(record, current), writes }, undefined, 1);
    const folder = this.#folder(id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const temporary = join(folder, `.${own}.tmp`);
    try {
      if ((await unlessMissing(writeDurably(temporary, text))) === undefined) return false;
      await link(temporary, this.#file(id, version));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(temporary).catch(() => {});
    }
    if (Math.max(...(await this.#versions(id))) > version) {
      // overtaken before this was ours, or by one who built on it
      await unlessMissing(unlink(this.#file(id, version)));
      return (await this.#latest(id))?.writes.includes(own) ?? false;
    }
    await syncFolder(folder);
    if (version === 1) await syncFolder(dirname(folder));
    await this.#prune(id, version);
    return true;
  }

  async #prune(id: string, below: number): Promise<void> {
    for (const version of await this.#versions(id)) {
      if (version < below) await unlessMissing(unlink(this.#file(id, version)));
    }
  }
}

/** The record with what newer versions had written into it, as long as it is about the same session. */
function withKept(record: SessionRecord, current: Versioned | undefined): object {
  const before = current?.record ?? current?.broken;
  if (current === undefined || before?.spec === undefined || record.spec === undefined) return record;
  if (current.record !== undefined && !isDeepStrictEqual(before.spec, record.spec)) return record;
  return { ...current.kept.record, ...record, spec: { ...current.kept.spec, ...record.spec } };
}

async function writeDurably(file: string, text: string): Promise<true> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await unlessMissing(open(folder, 'r'));
  if (!handle) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
