import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asStreamSpaceError } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import { isOwn, type RecordChange } from '../core/record.ts';
import type { RecordStore } from '../core/record-store.ts';
import { atOnce } from './at-once.ts';
import { latestRecord, recordFile, recordVersions, unlessMissing } from './latest-record.ts';
import type { Layout } from './layout.ts';
import {
  changedRecord,
  parseRecord,
  recordText,
  type VersionedDraft,
  type VersionedRecord,
} from '../core/record-text.ts';

/** Number of writes that a record remembers: more than other writers can make between two steps of a running writer. */
const WRITES = 64;

/** Records read at the same time. */
const AT_ONCE = 16;

export interface RecordFilesOptions {
  readonly agentId: string;
  readonly clock: Clock;
  readonly log: DriverLog;
  readonly layout: Pick<Layout, 'session' | 'ids'>;
  /** Numbers of the session's starts that have left files. */
  readonly starts: (id: string) => Promise<number[]>;
}

/**
 * The sessions' records as files `session.<version>.json`; the highest version counts. A change is a hard link to the next version's name,
 * which exactly one of several writers gets: compare-and-set between processes without a lock that could outlive its holder. A writer that was
 * paused may find its version's name free again (pruned); afterwards it sees a higher version that does not include its own write, and knows
 * that it lost.
 */
export class RecordFiles implements RecordStore<VersionedRecord, VersionedDraft> {
  readonly exclusive = false;
  readonly tombstones = true;
  readonly #options: RecordFilesOptions;

  constructor(options: RecordFilesOptions) {
    this.#options = options;
  }

  async read(id: string): Promise<VersionedRecord | undefined> {
    const found = await this.#latest(id);
    if (found?.problem === undefined) return found;
    // the record is unreadable, so all existing starts count as its starts
    return { ...found, instance: Math.max(found.instance, ...(await this.#options.starts(id))) };
  }

  async list(): Promise<VersionedRecord[]> {
    const { agentId, log, layout } = this.#options;
    const found: VersionedRecord[] = [];
    await atOnce(AT_ONCE, await layout.ids(), async (session) => {
      try {
        const record = await this.read(session);
        if (record === undefined || !isOwn(record, agentId)) return;
        const { problem } = record;
        if (problem !== undefined)
          log.warn({ session, problem }, 'Record of a session can’t be read; it is left as it is');
        found.push(record);
      } catch (err) {
        // an unreadable record affects only its own session
        log.warn({ session, err }, 'session record unreadable');
      }
    });
    return found;
  }

  draft(id: string, current: VersionedRecord | undefined, change: RecordChange): VersionedDraft {
    const { agentId, clock } = this.#options;
    return changedRecord(id, current, change, { agentId, now: iso(clock.now()) });
  }

  async write(given: VersionedDraft, expected: VersionedRecord | undefined): Promise<VersionedRecord | undefined> {
    const { id } = given;
    // programs that run without a record belong to none of its starts: later starts end them
    const strays = expected === undefined ? await this.#options.starts(id) : [];
    const draft = { ...given, instance: given.instance + Math.max(0, ...strays) };
    const version = (expected?.version ?? 0) + 1;
    const own = randomBytes(8).toString('hex');
    const text = recordText(draft, expected, [own, ...(expected?.writes ?? [])].slice(0, WRITES));
    const folder = this.#folder(id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const temporary = join(folder, `.${own}.tmp`);
    try {
      if ((await unlessMissing(writeDurably(temporary, text))) === undefined) return undefined;
      await link(temporary, this.#file(id, version));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    } finally {
      await unlink(temporary).catch(() => {});
    }
    const written = parseRecord(id, version, text, recordFile(version));
    if (Math.max(...(await recordVersions(this.#folder(id)))) > version) {
      // another writer was faster, or wrote a later version based on this one
      await unlessMissing(unlink(this.#file(id, version)));
      return (await this.#latest(id))?.writes.includes(own) === true ? written : undefined;
    }
    await syncFolder(folder);
    if (version === 1) await syncFolder(dirname(folder));
    await this.#prune(id, version);
    return written;
  }

  async remove(record: VersionedRecord): Promise<void> {
    try {
      await this.write({ ...this.draft(record.id, record, {}), done: true }, record);
    } catch (error) {
      // the work itself is done, and is repeated if this is not written
      if (asStreamSpaceError(error).code !== 'disk_full') throw error;
    }
  }

  /** Forgets the session unless somebody changed it after `record` was read. */
  async forget({ id, version }: VersionedRecord): Promise<void> {
    if ((await this.#latest(id))?.version !== version) return;
    await this.#prune(id, version);
    await unlessMissing(unlink(this.#file(id, version)));
    // fails when another writer uses the folder: then it must stay
    await rmdir(this.#folder(id)).catch(() => {});
  }

  #latest(id: string): Promise<VersionedRecord | undefined> {
    return latestRecord(this.#folder(id), id);
  }

  #folder(id: string): string {
    return this.#options.layout.session(id);
  }

  #file(id: string, version: number): string {
    return join(this.#folder(id), recordFile(version));
  }

  async #prune(id: string, below: number): Promise<void> {
    for (const version of await recordVersions(this.#folder(id))) {
      if (version < below) await unlessMissing(unlink(this.#file(id, version)));
    }
  }
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
