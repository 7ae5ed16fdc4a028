import { link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError, LockError, type LeaseRecord, type LeaseState } from '../lock.ts';
import { termOf } from '../term.ts';

/** Number of kept versions behind the newest. */
const KEPT = 8;
const MAX_READS = 20;
const FILE = /^lease\.(\d+)$/;

/**
 * A compare-and-set register of files: version v of the record is the file `lease.<v>`. The step from v to v+1 is a
 * `link()` of a complete temporary file to `lease.<v+1>`, which fails if another process was first; so a file is never torn,
 * and a crash at any point leaves the old or the new version. A deletion is also a version, without a record.
 */
export class VersionLog {
  readonly #directory: string;
  readonly #temporaryName: string;
  #temporaries = 0;

  /** `uniqueName`: unique among all logs of all processes; fit for a file name. */
  constructor(directory: string, uniqueName: string) {
    this.#directory = directory;
    this.#temporaryName = `.${uniqueName}`;
  }

  /** `state`: the newest version, `undefined` when there is no record. `tip`: the newest version's number, 0 for none. */
  async read(signal: AbortSignal): Promise<{ state: LeaseState | undefined; tip: number }> {
    for (let tries = 0; tries < MAX_READS; tries++) {
      signal.throwIfAborted();
      const versions = await this.versions();
      const tip = versions.at(-1) ?? 0;
      if (tip === 0) return { state: undefined, tip };
      const content = await this.#content(tip);
      // pruned between the two calls, so there are newer versions
      if (content === 'missing') continue;
      if (content === 'deleted') return { state: undefined, tip };
      const record = content === 'unreadable' ? await this.#salvage(versions) : content;
      return { state: { record, version: String(tip) }, tip };
    }
    throw new LockError('the lease changes faster than it can be read');
  }

  /**
   * Appends a version after `tip`; returns its number. ConflictError when `tip` is not the newest one. `durable`: it is on
   * the disk when this resolves.
   */
  async append(tip: number, record: LeaseRecord | undefined, durable: boolean, signal: AbortSignal): Promise<number> {
    await mkdir(this.#directory, { recursive: true });
    if (((await this.versions()).at(-1) ?? 0) !== tip) throw new ConflictError('the lease has a newer version');
    const temporary = join(this.#directory, `${this.#temporaryName}.${++this.#temporaries}`);
    const next = tip + 1;
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(JSON.stringify(record ?? null));
        if (durable) await file.datasync();
      } finally {
        await file.close();
      }
      signal.throwIfAborted();
      await link(temporary, this.#path(next));
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') throw new ConflictError('another was first');
      throw error;
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    // If this process was paused, others may have gone on and pruned the linked name: then the link proves nothing. A version
    // within the kept range was never pruned.
    const versions = await this.versions();
    const newest = versions.at(-1) ?? 0;
    if (next < newest - KEPT || (tip > 0 && tip >= newest - KEPT && !versions.includes(tip))) {
      await unlink(this.#path(next)).catch(() => undefined);
      throw new ConflictError('the others have gone on meanwhile');
    }
    await Promise.all(
      versions
        .filter((version) => version < newest - KEPT)
        .map((version) => unlink(this.#path(version)).catch(() => undefined)),
    );
    return next;
  }

  /** In ascending order. */
  async versions(): Promise<number[]> {
    const names = await readdir(this.#directory).catch((error: { code?: string }) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .map((name) => Number(FILE.exec(name)?.[1] ?? 0))
      .filter((version) => version > 0)
      .toSorted((a, b) => a - b);
  }

  /** The newest file is damaged (the machine died before its bytes were on the disk): no replica holds the lease; terms go on. */
  async #salvage(versions: number[]): Promise<LeaseRecord> {
    let term = 0;
    for (const version of versions) {
      const content = await this.#content(version);
      if (typeof content === 'object') term = Math.max(term, content.term);
    }
    return { holder: '', term, durationMs: 1000, acquiredAt: '', renewedAt: '', transitions: 0 };
  }

  async #content(version: number): Promise<LeaseRecord | 'missing' | 'deleted' | 'unreadable'> {
    let text: string;
    try {
      text = await readFile(this.#path(version), 'utf8');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return 'missing';
      throw error;
    }
    try {
      const value = JSON.parse(text) as Partial<LeaseRecord> | null;
      if (value === null) return 'deleted';
      if (typeof value.holder === 'string' && Number.isFinite(value.durationMs)) {
        return { ...(value as LeaseRecord), term: termOf(value.term) };
      }
    } catch {
      // not JSON
    }
    return 'unreadable';
  }

  #path(version: number): string {
    return join(this.#directory, `lease.${version}`);
  }
}
