import type { SessionStatus } from '@streamspace/protocol';
import { parseIso } from 'clock-port';
import type { Operations } from '../core/operations.ts';
import { isLive, type Live } from '../core/record.ts';
import { atOnce } from './at-once.ts';
import type { Hosts } from './hosts.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { VersionedRecord } from '../core/record-text.ts';
import type { RecordFiles } from './record-files.ts';
import type { Removal } from './removal.ts';
import { statusOf, unreadableStatus } from './status.ts';

/** A deleted session's record is removed after this time: no command of a superseded leader is older. */
const TOMBSTONE_MS = 3_600_000;
/** Sessions examined at the same time. */
const AT_ONCE = 16;

export interface ListingParts {
  readonly records: RecordFiles;
  readonly hosts: Hosts;
  readonly removal: Removal;
  readonly options: Pick<ProcessDriverOptions, 'clock' | 'log'>;
  readonly operations: Operations;
}

/** Reads the status of sessions; on the way, ends the programs that a crash left running. */
export class Listing {
  readonly #parts: ListingParts;

  constructor(parts: ListingParts) {
    this.#parts = parts;
  }

  async statuses(records: readonly VersionedRecord[], signal: AbortSignal): Promise<SessionStatus[]> {
    const found: SessionStatus[] = [];
    await atOnce(AT_ONCE, records, async (record) => {
      const status = isLeftover(record) ? await this.#clean(record.id, signal) : await this.look(record, signal);
      if (status) found.push(status);
    });
    return found;
  }

  /** Undefined: the session no longer exists. */
  async look(record: VersionedRecord, signal: AbortSignal): Promise<SessionStatus | undefined> {
    // nothing of it is changed
    if (record.problem !== undefined) return unreadableStatus(record);
    return isLive(record) ? this.status(record, signal) : undefined;
  }

  async status(record: Live<VersionedRecord>, signal: AbortSignal): Promise<SessionStatus> {
    const report = await this.#parts.hosts.report(record.id, record.instance, signal);
    return statusOf(record, report, this.#parts.operations.concern(record.id));
  }

  /** Ends the remains of a session that should not run, according to its current record. */
  async #clean(id: string, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const { hosts, removal, records, options, operations } = this.#parts;
    const record = await records.read(id);
    if (record === undefined) return undefined;
    if (!isLeftover(record) || operations.concern(id)) return this.look(record, signal);
    if (record.desired === 'deleted' && !record.done) return this.#finish(record, signal);
    await hosts.stopUpTo(id, record.instance, signal);
    if (record.done && options.clock.now() - parseIso(record.at) > TOMBSTONE_MS) {
      await removal.clear({ ...record, deleteHome: false }, signal);
      await records.forget(record);
    }
    return this.look(record, signal);
  }

  /** Finishes a delete that its command left unfinished; undefined: the delete is complete. */
  async #finish(record: VersionedRecord, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const { removal, records, options } = this.#parts;
    const { id: session, spec } = record;
    try {
      await removal.clear(record, signal);
      await records.remove(record);
      options.log.info({ session }, 'Delete of an interrupted command finished');
      return undefined;
    } catch (err) {
      signal.throwIfAborted();
      options.log.warn({ session, err }, 'Delete of a session could not be finished; trying again with the next list');
      return spec && { spec, state: 'failed', reason: `It is being deleted: ${(err as Error).message}`.slice(0, 4096) };
    }
  }
}

/** Nothing of such a session should run. */
const isLeftover = ({ desired, problem }: VersionedRecord): boolean => desired !== 'running' && problem === undefined;
