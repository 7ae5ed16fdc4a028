import { randomBytes } from 'node:crypto';
import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, iso, sleep } from 'clock-port';
import type { RecordChange } from '../../core/record.ts';
import type { RecordStore } from '../../core/record-store.ts';
import { changedRecord } from '../../core/record-text.ts';
import type { Engine } from '../engine/engine.ts';
import { isNameTaken, answered } from '../engine/error.ts';
import { ensureRecordImage, RECORD_IMAGE } from '../images/record-image.ts';
import type { ContainerDetails, ContainerSummary } from '../objects/engine-objects.ts';
import { APP, recordName, startOf } from '../objects/names.ts';
import { startsOf } from '../operations/stop.ts';
import { type DockerDraft, type DockerRecord, type FailedStart, recordIn, recordLabels } from '../objects/record.ts';
import type { DriverLog } from '../../core/driver-log.ts';

/** Writes that a record remembers: more than others can make between two steps of a writer that is awake. */
const WRITES = 64;
/** Until somebody else's container of a name can be seen, milliseconds. */
const UNSEEN_MS = 25;

export interface RecordContainersOptions {
  readonly agentId: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: DriverLog;
}

/**
 * The sessions' records as containers `ss-<id>.r<version>` of an empty image, which never run; the highest version counts. The engine gives a name
 * to exactly one of several writers: compare-and-set without a database. A writer that was paused, and finds its version's name free again
 * (removed meanwhile), sees a higher one afterwards that does not come of its own, and knows that it lost.
 */
export class RecordContainers implements RecordStore<DockerRecord, DockerDraft> {
  readonly exclusive = false;
  readonly tombstones = true;
  readonly #options: RecordContainersOptions;

  constructor(options: RecordContainersOptions) {
    this.#options = options;
  }

  async read(sessionId: string, signal: AbortSignal): Promise<DockerRecord | undefined> {
    const found = await this.#find([`session=${sessionId}`], signal);
    return latest(recordsIn(found)) ?? this.#remains(sessionId, signal);
  }

  async list(signal: AbortSignal): Promise<DockerRecord[]> {
    return this.among(await this.#find([`app=${APP.record}`, `agent=${this.#options.agentId}`], signal));
  }

  /** The records that these containers hold, one a session. */
  among(containers: readonly ContainerSummary[]): DockerRecord[] {
    const found = new Map<string, DockerRecord>();
    for (const container of containers) {
      const record = recordIn(container);
      if (record !== undefined && record.version > (found.get(record.id)?.version ?? 0)) found.set(record.id, record);
    }
    return [...found.values()];
  }

  draft(
    id: string,
    current: DockerRecord | undefined,
    change: RecordChange & { readonly failure?: FailedStart },
  ): DockerDraft {
    const { agentId, clock } = this.#options;
    const draft = changedRecord(id, current, change, { agentId, now: iso(clock.now()) });
    return { ...draft, failure: change.failure ?? current?.failure };
  }

  async write(
    draft: DockerDraft,
    expected: DockerRecord | undefined,
    signal: AbortSignal,
  ): Promise<DockerRecord | undefined> {
    const { id } = draft;
    const version = (expected?.version ?? 0) + 1;
    const own = randomBytes(8).toString('hex');
    const labels = recordLabels(draft, expected, [own, ...(expected?.writes ?? [])].slice(0, WRITES));
    const name = recordName(id, version);
    if (!(await this.#make(name, labels, signal))) {
      await this.#refuseStranger(name, signal);
      return undefined;
    }
    const versions = await this.#versions(id, signal);
    const last = latest(versions);
    // overtaken before this was ours; or all of the session was forgotten meanwhile
    const won =
      last?.writes.includes(own) === true &&
      (last.version > version || version === 1 || versions.some((each) => each.version === version - 1));
    const obsolete = versions.filter((each) => (won ? each.version < version : each.writes[0] === own));
    const removed = Promise.all(obsolete.map((each) => this.#remove(recordName(id, each.version), signal)));
    if (!won) {
      await removed;
      return undefined;
    }
    // nobody waits for what no reader looks at; the sweep finds what is left
    void removed.catch((err: unknown) =>
      this.#options.log.warn({ session: id, err }, 'Old versions of a record are left'),
    );
    return recordIn({ Names: [name], Labels: labels });
  }

  async remove(record: DockerRecord, signal: AbortSignal): Promise<void> {
    await this.write({ ...this.draft(record.id, record, {}), done: true }, record, signal);
  }

  /** Forgets the session if nobody changed it since `record` was read. */
  async forget(record: DockerRecord, signal: AbortSignal): Promise<void> {
    const { id, version } = record;
    const versions = await this.#versions(id, signal);
    if (latest(versions)?.version !== version) return;
    for (const each of versions.sort((a, b) => a.version - b.version))
      await this.#remove(recordName(id, each.version), signal);
  }

  async #versions(sessionId: string, signal: AbortSignal): Promise<DockerRecord[]> {
    return recordsIn(await this.#find([`app=${APP.record}`, `session=${sessionId}`], signal));
  }

  /** What runs without a record is a deleted session's: a new one takes the next start, a delete ends it. */
  async #remains(id: string, signal: AbortSignal): Promise<DockerRecord | undefined> {
    const starts = (await startsOf(this.#options, id, signal))
      .filter(({ Labels }) => Labels['agent'] === this.#options.agentId)
      .map(startOf);
    if (starts.length === 0) return undefined;
    const before = this.draft(id, undefined, { desired: 'deleted' });
    const nothing = { version: 0, writes: [], kept: { record: {}, spec: {} } };
    return { ...before, ...nothing, instance: Math.max(...starts), done: true };
  }

  #find(labels: readonly string[], signal: AbortSignal): Promise<ContainerSummary[]> {
    const query = { all: true, filters: { label: labels } };
    return this.#options.engine.json<ContainerSummary[]>('/containers/json', { query }, signal);
  }

  /** Whether the name was free. */
  async #make(name: string, labels: Record<string, string>, signal: AbortSignal): Promise<boolean> {
    const { engine } = this.#options;
    const body = {
      Image: RECORD_IMAGE,
      Cmd: ['never-runs'],
      Labels: labels,
      NetworkDisabled: true,
      HostConfig: { NetworkMode: 'none' },
    };
    for (let tries = 0; ; tries++) {
      try {
        await engine.json('/containers/create', { method: 'POST', query: { name }, body }, signal);
        return true;
      } catch (error) {
        if (isNameTaken(error)) return false;
        if (!answered(error, 404) || tries > 0) throw error;
        // the engine has no such image yet, or not any more
        await ensureRecordImage(engine, signal);
      }
    }
  }

  /** A container that is none of ours would be in the way for ever. */
  async #refuseStranger(name: string, signal: AbortSignal): Promise<void> {
    let found: ContainerDetails;
    try {
      found = await this.#options.engine.json<ContainerDetails>(`/containers/${name}/json`, {}, signal);
    } catch (error) {
      // a name is taken a moment before its container can be seen
      if (answered(error, 404)) return sleep(this.#options.clock, UNSEEN_MS, signal);
      throw error;
    }
    if (found.Config.Labels['app'] === APP.record) return;
    throw new StreamSpaceError(
      'driver_failed',
      `The engine has a container ${name} that StreamSpace did not make, and it is left alone: rename it (docker rename ${name} …), or remove it`,
    );
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.engine.json(`/containers/${name}`, { method: 'DELETE', query: { force: true } }, signal);
    } catch (error) {
      // gone already, or about to go
      if (!answered(error, 404, 409)) throw error;
    }
  }
}

const recordsIn = (containers: readonly ContainerSummary[]): DockerRecord[] =>
  containers.flatMap((container) => recordIn(container) ?? []);

const latest = (versions: readonly DockerRecord[]): DockerRecord | undefined =>
  versions.reduce<DockerRecord | undefined>((a, b) => (a === undefined || b.version > a.version ? b : a), undefined);
