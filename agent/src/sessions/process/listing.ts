import type { SessionStatus } from '@streamspace/protocol';
import { parseIso } from 'clock-port';
import type { Hosts } from './hosts.ts';
import type { Layout } from './layout.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { BrokenRecord, SessionRecord } from './record.ts';
import type { RecordStore } from './record-store.ts';
import type { Removal } from './removal.ts';
import { statusOf, unreadableStatus } from './status.ts';
import { isLive, isOf, type LiveRecord } from './transitions.ts';

/** A deleted session's record goes after this long: no superseded leader's command is older. */
const TOMBSTONE_MS = 3_600_000;
/** Sessions looked at together. */
const AT_ONCE = 16;

export interface ListingParts {
  readonly layout: Layout;
  readonly records: RecordStore;
  readonly hosts: Hosts;
  readonly removal: Removal;
  readonly options: ProcessDriverOptions;
  /** An operation on the session is going on here. */
  readonly busy: (id: string) => boolean;
}

/** How all sessions of the agent are; on the way it ends what a crash left running of those that should not. */
export class Listing {
  readonly #parts: ListingParts;

  constructor(parts: ListingParts) {
    this.#parts = parts;
  }

  async list(signal: AbortSignal): Promise<SessionStatus[]> {
    const ids = await this.#parts.layout.ids();
    const found: SessionStatus[] = [];
    const look = async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        const status = await this.#lookAt(id, signal);
        if (status) found.push(status);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, look));
    return found.sort((a, b) => (a.spec.id < b.spec.id ? -1 : 1));
  }

  async status(record: LiveRecord, signal: AbortSignal): Promise<SessionStatus> {
    const report = await this.#parts.hosts.report(record.id, record.instance, signal);
    return statusOf(record, report, this.#parts.busy(record.id));
  }

  /** Ids of this agent's sessions that should run. */
  async wantedRunning(): Promise<string[]> {
    const wanted: string[] = [];
    for (const id of await this.#parts.layout.ids()) {
      const record = await this.#look(id);
      if (record && !('problem' in record) && record.desired === 'running') wanted.push(id);
    }
    return wanted;
  }

  async #lookAt(id: string, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const record = await this.#look(id);
    if (!record) return undefined;
    // what it has is left alone, whatever it is
    if ('problem' in record) return unreadableStatus(record);
    const { hosts, removal, records, options, busy } = this.#parts;
    if (record.desired === 'deleted' && !record.done && !busy(id)) return this.#finish(record, signal);
    if (record.desired !== 'running' && !busy(id)) await hosts.stopUpTo(id, record.instance, signal);
    if (isLive(record)) return this.status(record, signal);
    if (options.clock.now() - parseIso(record.at) > TOMBSTONE_MS && !busy(id)) {
      await removal.clear({ ...record, delete_home: false }, signal);
      await records.forget(id, record);
    }
    return undefined;
  }

  /** Ends a delete whose command did not; undefined: it is done. */
  async #finish(record: SessionRecord, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const { removal, options } = this.#parts;
    const { id: session, spec } = record;
    try {
      await removal.finish(record, signal);
      options.log.info({ session }, 'Delete of an interrupted command finished');
      return undefined;
    } catch (err) {
      signal.throwIfAborted();
      options.log.warn({ session, err }, 'Delete of a session could not be finished; trying again with the next list');
      return spec && { spec, state: 'failed', reason: `It is being deleted: ${(err as Error).message}`.slice(0, 4096) };
    }
  }

  /** This agent's record; one that can't be read costs only itself. */
  async #look(id: string): Promise<SessionRecord | BrokenRecord | undefined> {
    const { records, options } = this.#parts;
    try {
      const record = await records.look(id);
      if (!record || !isOf(record, options.agentId)) return undefined;
      if ('problem' in record)
        options.log.warn(
          { session: id, problem: record.problem },
          'Record of a session can’t be read; it is left as it is',
        );
      return record;
    } catch (err) {
      options.log.warn({ session: id, err }, 'session record unreadable');
      return undefined;
    }
  }
}
