import type { SessionStatus } from '@streamspace/protocol';
import { parseIso } from 'clock-port';
import type { Operations } from '../../core/operations.ts';
import { endOf } from './reason.ts';
import { inspectEnd, lastLines } from '../engine/containers.ts';
import type { ContainerSummary } from '../objects/engine-objects.ts';
import { APP, sessionOf, startOf } from '../objects/names.ts';
import type { DockerRecord } from '../objects/record.ts';
import { removeNetworks } from '../network.ts';
import { removeStarts } from '../operations/stop.ts';
import type { DockerDriverOptions } from '../options.ts';
import type { RecordContainers } from './record-containers.ts';
import { failedStatus, containerStatus } from './status.ts';

/** A deleted session's record goes after this long: no superseded leader's command is older. */
const TOMBSTONE_MS = 3_600_000;

export interface EngineListingParts {
  readonly options: DockerDriverOptions;
  readonly records: RecordContainers;
  readonly operations: Operations;
  /** Ends a delete whose command did not. */
  finishDelete(record: DockerRecord, signal: AbortSignal): Promise<void>;
}

/** Everything of this agent's. `containers`: those that run sessions, or wait for one. */
export interface EngineView {
  readonly all: readonly ContainerSummary[];
  readonly records: readonly DockerRecord[];
  readonly containers: readonly ContainerSummary[];
}

/** How this agent's sessions are, by one list of the engine's containers. */
export class EngineListing {
  readonly #parts: EngineListingParts;
  /** What was found out about ends that don't change any more, by container. */
  readonly #ends = new Map<string, string>();

  constructor(parts: EngineListingParts) {
    this.#parts = parts;
  }

  async look(signal: AbortSignal): Promise<EngineView> {
    const { options, records } = this.#parts;
    const query = { all: true, filters: { label: [`agent=${options.agentId}`] } };
    const all = await options.engine.json<ContainerSummary[]>('/containers/json', { query }, signal);
    return { all, records: records.among(all), containers: all.filter(({ Labels }) => Labels['app'] === APP.session) };
  }

  async statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    // one that ends while the engine answers may have changed what the answer shows
    const began = this.#parts.operations.now();
    const { records, containers } = await this.look(signal);
    const statuses = await Promise.all(
      records.map((record) => this.status(record, containerOf(record, containers), began, signal)),
    );
    for (const id of this.#ends.keys()) if (!containers.some(({ Id }) => Id === id)) this.#ends.delete(id);
    return statuses.filter((status) => status !== undefined);
  }

  async status(
    record: DockerRecord,
    container: ContainerSummary | undefined,
    began: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<SessionStatus | undefined> {
    const busy = began.has(record.id) || this.#parts.operations.concern(record.id);
    const status = containerStatus(record, container, busy);
    return status === 'ended' ? failedStatus(record.spec!, await this.#end(container!.Id, signal)) : status;
  }

  /** Removes what a crash, or a superseded leader, left: deletes that were not finished, containers that should not be, old tombstones. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { options, records, operations } = this.#parts;
    const seen = await this.look(signal);
    for (const record of seen.records) {
      const { id, desired, done, problem, instance } = record;
      if (operations.concern(id) || problem !== undefined) continue;
      if (desired === 'deleted' && !done) await this.#parts.finishDelete(record, signal);
      else if (done && options.clock.now() - parseIso(record.at) > TOMBSTONE_MS) await records.forget(record, signal);
      const wanted = desired === 'running' ? instance : Infinity;
      const stray = seen.containers.filter((each) => sessionOf(each) === id && startOf(each) < wanted);
      if (stray.length > 0) await this.#strays(record, signal);
    }
    const wanted = (session: string, start: number) =>
      operations.concern(session) ||
      seen.records.some(({ id, desired, instance }) => id === session && desired === 'running' && instance <= start);
    await removeNetworks(options, {}, (session, start) => !wanted(session, start), signal);
  }

  /** By what the record says now: an operation may have begun meanwhile. */
  async #strays({ id }: DockerRecord, signal: AbortSignal): Promise<void> {
    const { options, records, operations } = this.#parts;
    const now = await records.read(id, signal);
    if (now === undefined || now.problem !== undefined || operations.concern(id)) return;
    await removeStarts({ options }, id, (start) => now.desired !== 'running' || start < now.instance, signal);
    options.log.info({ session: id }, 'Container of a session that should not run was removed');
  }

  async #end(id: string, signal: AbortSignal): Promise<string> {
    const known = this.#ends.get(id);
    if (known !== undefined) return known;
    const { engine, clock } = this.#parts.options;
    const container = await inspectEnd(engine, clock, id, signal);
    if (container === undefined) return 'Its container was removed from outside';
    const words = endOf(container, await lastLines(engine, id, signal), await engine.kind(signal));
    this.#ends.set(id, words);
    return words;
  }
}

export const containerOf = (
  { id, instance }: DockerRecord,
  containers: readonly ContainerSummary[],
): ContainerSummary | undefined => containers.find((each) => sessionOf(each) === id && startOf(each) === instance);
