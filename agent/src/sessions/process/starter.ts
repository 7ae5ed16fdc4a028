import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { failed, type FailureCode } from '../core/failure.ts';
import { checkReadable, fence, isLive, type Live } from '../core/record.ts';
import { notFound } from '../core/refusals.ts';
import type { Operation } from '../driver.ts';
import type { HostReport, Hosts } from './hosts.ts';
import type { Neighbours } from './neighbours.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { VersionedRecord } from '../core/record-text.ts';
import type { RecordFiles } from './record-files.ts';

/** Carries out the start that a record wants. */
export class Starter {
  readonly #hosts: Hosts;
  readonly #records: RecordFiles;
  readonly #neighbours: Neighbours;
  readonly #options: ProcessDriverOptions;

  constructor(hosts: Hosts, records: RecordFiles, neighbours: Neighbours, options: ProcessDriverOptions) {
    this.#hosts = hosts;
    this.#records = records;
    this.#neighbours = neighbours;
    this.#options = options;
  }

  /**
   * Resolves when the session's screen can be reached. Joins a start in progress. If an earlier start has ended, makes the next one; if the
   * start that this call waits for ends, the operation fails.
   */
  async start(wanted: Live<VersionedRecord>, operation: Operation): Promise<SessionStatus> {
    const { id } = wanted;
    let record = wanted;
    for (let launched = 0; ;) {
      await this.#hosts.stopUpTo(id, record.instance - 1, operation.signal);
      await this.#hosts.forgetBefore(id, record.instance);
      let report = await this.#hosts.report(id, record.instance, operation.signal);
      if (report.state === 'unborn') {
        launched = record.instance;
        await this.#admit(record);
        await this.#hosts.launch(id, record.instance, operation.signal);
        await this.#options.step?.('host bound', id);
        report = await this.#hosts.report(id, record.instance, operation.signal);
      }
      if (report.state === 'starting' || report.state === 'silent' || report.state === 'stopping') {
        launched = report.state === 'starting' ? record.instance : launched;
        report = await this.#decided(id, record.instance, operation.signal);
      }
      if (report.state === 'running') return { spec: record.spec, state: 'running' };

      // it ended: because of another writer's newer change, or by itself
      record = await this.#stillWanted(record, operation);
      if (launched === record.instance) throw failure(report, await this.#hosts.lastWords(id));
      record = await this.#next(record, operation);
    }
  }

  /** Throws for a user who may have no session here, and writes the reason where a failed host would write it. */
  async #admit({ id, instance, spec }: Live<VersionedRecord>): Promise<void> {
    try {
      await this.#neighbours.admit(spec);
    } catch (error) {
      if (error instanceof StreamSpaceError) await this.#hosts.refuse(id, instance, error.message);
      throw error;
    }
  }

  /** Makes the next start, unless another writer was faster. */
  async #next(dead: Live<VersionedRecord>, operation: Operation): Promise<Live<VersionedRecord>> {
    await this.#records.write(this.#records.draft(dead.id, dead, { desired: 'running' }), dead);
    return this.#stillWanted(dead, operation);
  }

  /** Waits until a live host is ready or has failed. */
  async #decided(id: string, instance: number, signal: AbortSignal): Promise<HostReport> {
    const connection = await this.#hosts.open(id, instance, signal);
    if (connection !== 'missing' && connection !== 'dead') {
      try {
        await connection.until((state) => state?.state === 'running', signal);
      } finally {
        connection.close();
      }
    }
    return this.#hosts.report(id, instance, signal);
  }

  async #stillWanted({ id }: Live<VersionedRecord>, operation: Operation): Promise<Live<VersionedRecord>> {
    const current = await this.#records.read(id);
    if (current === undefined) throw notFound(id);
    fence(current, operation);
    checkReadable(current);
    if (!isLive(current)) throw notFound(id);
    if (current.desired === 'running') return current;
    throw new StreamSpaceError('conflict', `Session ${id} was hibernated while it started`);
  }
}

function failure(report: HostReport, lastWords: string): StreamSpaceError {
  const given = 'reason' in report ? report.reason : '';
  if (/\b(ENOSPC|EDQUOT)\b/.test(given)) {
    return new StreamSpaceError(
      'disk_full',
      `The disk is full: free some space, or move STATE_DIR to a larger one (${given})`,
    );
  }
  const silent = `Its session host did not start${lastWords && `: ${lastWords}`} (see host.log in the session's folder)`;
  return failed({ reason: given || silent, code: KINDS[report.state] });
}

const KINDS: Partial<Record<HostReport['state'], FailureCode>> = {
  ended: 'exited',
  lost: 'exited',
  silent: 'guest_silent',
};
