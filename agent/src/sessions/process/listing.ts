import type { SessionStatus } from '@streamspace/protocol';
import { parseIso } from 'clock-port';
import type { Hosts } from './hosts.ts';
import type { Layout } from './layout.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { SessionRecord } from './record.ts';
import type { RecordStore } from './record-store.ts';
import type { Removal } from './removal.ts';
import { statusOf } from './status.ts';
import { isLive, type LiveRecord } from './transitions.ts';

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
      if ((await this.#read(id))?.desired === 'running') wanted.push(id);
    }
    return wanted;
  }

  async #lookAt(id: string, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const record = await this.#read(id);
    if (!record) return undefined;
    const { hosts, removal, records, options, busy } = this.#parts;
    if (record.desired !== 'running' && !busy(id)) await hosts.stopUpTo(id, record.instance, signal);
    if (isLive(record)) return this.status(record, signal);
    if (options.clock.now() - parseIso(record.at) > TOMBSTONE_MS && !busy(id)) {
      await removal.clear(record, false, signal);
      await records.forget(id, record);
    }
    return undefined;
  }

  /** This agent's record; one that can't be read costs only itself. */
  async #read(id: string): Promise<SessionRecord | undefined> {
    try {
      const record = await this.#parts.records.read(id);
      return record?.agent === this.#parts.options.agentId ? record : undefined;
    } catch (err) {
      this.#parts.options.log.warn({ session: id, err }, 'session record unreadable');
      return undefined;
    }
  }
}
