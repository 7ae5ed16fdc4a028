import type { SessionStatus } from '@streamspace/protocol';
import { parseIso, pause } from 'clock-port';
import type { Operations } from '../../../core/operations.ts';
import { isLive, type Live } from '../../../core/record.ts';
import { APP } from '../../objects/names.ts';
import { failedStatus } from '../../state/status.ts';
import { type SwarmHomes, tiedTo } from '../homes.ts';
import { isApplied, type SwarmRecord } from '../objects/record.ts';
import type { TaskObject } from '../objects/swarm-objects.ts';
import type { SwarmDriverOptions } from '../options.ts';
import type { Services } from '../services.ts';
import { endOfTask, waitOf } from './reason.ts';
import type { SwarmRecords } from './swarm-records.ts';
import { taskStatus } from './status.ts';
import { isDisplaced, nodeName, taskOf, troubleOf } from './tasks.ts';

/** A deleted session's record goes after this long: no superseded leader's command is older. */
const TOMBSTONE_MS = 3_600_000;
/** Milliseconds until a delete that could not be finished is tried again. */
const AGAIN_MS = 30_000;

export interface SwarmListingParts {
  readonly options: SwarmDriverOptions;
  readonly services: Services;
  readonly records: SwarmRecords;
  readonly homes: SwarmHomes;
  readonly operations: Operations;
  /** Ends a delete whose command did not. */
  finishDelete(record: SwarmRecord, signal: AbortSignal): Promise<void>;
  /** Begins to start a session again whose node is lost to it, for that reason. */
  restart(record: Live<SwarmRecord>, reason: string, signal: AbortSignal): void;
}

interface Seen {
  readonly record: SwarmRecord;
  readonly task: TaskObject | undefined;
}

/** How this agent's sessions are, by the swarm's lists of services and tasks. */
export class SwarmListing {
  readonly #parts: SwarmListingParts;
  /** Deleted sessions whose rest is being removed, or could not be removed a moment ago. */
  readonly #deleting = new Set<string>();
  /** What was found out about ends that don't change any more, by task. */
  readonly #ends = new Map<string, string>();

  constructor(parts: SwarmListingParts) {
    this.#parts = parts;
  }

  async statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    // one that ends while the engine answers may have changed what the answer shows
    const began = this.#parts.operations.now();
    const seen = await this.#look(signal);
    const statuses = await Promise.all(
      seen.map((each) =>
        this.#status(each, began.has(each.record.id) || this.#parts.operations.concern(each.record.id), signal),
      ),
    );
    const tasks = new Set(seen.map(({ task }) => task?.ID));
    for (const id of this.#ends.keys()) if (!tasks.has(id)) this.#ends.delete(id);
    return statuses.filter((status) => status !== undefined);
  }

  /** Ends deletes that were not finished, starts again what has lost its node, or says why that can't be, and forgets old tombstones. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { options, records, operations } = this.#parts;
    for (const { record, task } of await this.#look(signal)) {
      const { id, desired, done, problem, at } = record;
      if (operations.concern(id) || problem !== undefined) continue;
      if (desired === 'deleted' && !done) void this.#finishDelete(record, signal);
      else if (done && options.clock.now() - parseIso(at) > TOMBSTONE_MS) await records.forget(record, signal);
      else if (isLive(record) && desired === 'running' && isApplied(record) && task !== undefined && isDisplaced(task))
        await this.#displaced(record, task, signal);
    }
  }

  /** One whose home is on a lost node can't be finished before that is back: nothing else waits for it. */
  async #finishDelete(record: SwarmRecord, signal: AbortSignal): Promise<void> {
    const { options } = this.#parts;
    const { id } = record;
    if (this.#deleting.has(id)) return;
    this.#deleting.add(id);
    try {
      await this.#parts.finishDelete(record, signal);
    } catch (err) {
      if (signal.aborted) return;
      options.log.warn({ session: id, err }, 'What is left of a deleted session can’t be removed yet');
      await pause(options.clock, AGAIN_MS, signal);
    } finally {
      this.#deleting.delete(id);
    }
  }

  async #look(signal: AbortSignal): Promise<Seen[]> {
    const { options, records, services } = this.#parts;
    const [found, tasks] = await Promise.all([
      records.list(signal),
      services.tasks({ label: [`app=${APP.session}`, `agent=${options.agentId}`] }, signal),
    ]);
    return found.map((record) => {
      const own = tasks.filter(({ ServiceID }) => ServiceID === record.service.ID);
      return { record, task: taskOf(record.instance, own) };
    });
  }

  async #status({ record, task }: Seen, busy: boolean, signal: AbortSignal): Promise<SessionStatus | undefined> {
    const status = taskStatus(record, task, busy);
    switch (status) {
      case 'ended':
        return failedStatus(record.spec!, await this.#end(task!, signal));
      case 'displaced':
        return { spec: record.spec!, state: 'starting', reason: await this.#loss(task!, signal) };
      default:
        if (status?.state !== 'starting' || task === undefined || busy) return status;
        return { ...status, reason: waitOf(task, await this.#parts.services.nodes(signal)).reason };
    }
  }

  async #end(task: TaskObject, signal: AbortSignal): Promise<string> {
    const known = this.#ends.get(task.ID);
    if (known !== undefined) return known;
    const { reason } = await endOfTask(this.#parts.options, this.#parts.services, task, signal);
    this.#ends.set(task.ID, reason);
    return reason;
  }

  async #loss({ NodeID }: TaskObject, signal: AbortSignal): Promise<string> {
    const nodes = await this.#parts.services.nodes(signal);
    const trouble = troubleOf(nodes.find(({ ID }) => ID === NodeID)) ?? 'has ended it';
    return `Its node ${nodeName(NodeID, nodes)} ${trouble}`;
  }

  /** Where its home can follow, it starts on another node; otherwise it has failed. */
  async #displaced(record: Live<SwarmRecord>, task: TaskObject, signal: AbortSignal): Promise<void> {
    const { homes, records, services } = this.#parts;
    const home = await homes.nodeOf(record.spec, signal);
    const nodes = await services.nodes(signal);
    const trouble = troubleOf(nodes.find(({ ID }) => ID === home));
    if (home === undefined || trouble === undefined)
      return this.#parts.restart(record, `${await this.#loss(task, signal)}: it starts again`, signal);
    const failure = { instance: record.instance, reason: tiedTo(nodeName(home, nodes), trouble) };
    await records.write(records.draft(record.id, record, { failure }), record, signal);
  }
}
