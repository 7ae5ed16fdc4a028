import { type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, deadline, DeadlineError } from 'clock-port';
import { ApiError } from 'kube-client';
import type { Operation } from '../../driver.ts';
import type { DriverLog } from '../../core/driver-log.ts';
import { type Failure, failed } from '../../core/failure.ts';
import type { ServiceRecord } from '../objects/record.ts';
import { refusalOf } from '../state/refusal.ts';
import type { ServiceRecords } from '../state/service-records.ts';
import { HOME_ANEW, type Homes } from './homes.ts';
import type { PodStart } from './pod-start.ts';
import type { OnWait, Readiness } from './readiness.ts';
import type { SessionPods } from './session-pods.ts';
import type { OnStep } from './on-step.ts';

export interface SessionStartParts {
  readonly records: ServiceRecords;
  readonly homes: Homes;
  readonly pods: SessionPods;
  readonly podStart: PodStart;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Longest time of a start, milliseconds. */
  readonly startDeadline: number;
  /** The cause that keeps the API server from answering, in words; undefined: none is known. */
  readonly trouble: () => string | undefined;
  readonly step: OnStep;
}

/** Hears the reason why a start waits. */
type Tell = (reason: string) => void;

/** Starts a session: home, pod, screen. */
export class SessionStart {
  readonly #parts: SessionStartParts;

  constructor(parts: SessionStartParts) {
    this.#parts = parts;
  }

  /**
   * Starts a session whose record says `creating` or `waking`, or joins a start in progress. Resolves when the session runs; on failure, writes
   * `failed` with the reason to the record, and throws the reason. An abort changes nothing.
   */
  async run(record: ServiceRecord, operation: Operation, tell: Tell): Promise<SessionStatus> {
    const { clock, startDeadline, trouble } = this.#parts;
    const limit = deadline(clock, startDeadline, 'start', operation.signal);
    let waitsFor: Failure | undefined;
    try {
      return await this.#toRunning(record, operation, limit.signal, (what, worthTelling) => {
        waitsFor = what;
        if (worthTelling) tell(what.reason);
      });
    } catch (error) {
      operation.signal.throwIfAborted();
      if (
        error instanceof StreamSpaceError &&
        (error.code === 'superseded' || error.code === 'conflict' || error.code === 'not_found')
      ) {
        throw error;
      }
      const failure = asFailure(
        error,
        waitsFor ?? { reason: trouble() ?? 'it waits for the API server' },
        startDeadline,
      );
      await this.#fail(record, failure.message, operation.signal);
      throw failure;
    } finally {
      limit.clear();
    }
  }

  async #toRunning(
    record: ServiceRecord,
    operation: Operation,
    signal: AbortSignal,
    onWait: OnWait,
  ): Promise<SessionStatus> {
    const { records, homes, podStart, readiness, step } = this.#parts;
    const { id, spec } = record;
    const home = await homes.ensure(spec, (reason) => onWait({ reason, code: 'home_busy' }, true), signal);
    // a session that has run before had a home
    if (home.was === 'made anew' || (home.was === 'made' && record.phase === 'waking'))
      await this.#sayAnew(record, operation, home.was);
    await step('home made', id);
    const pod = await podStart.ensure(record, home.name, operation, signal);
    await step('pod made', id);
    await readiness.of(record, operation, pod, signal, onWait);
    await step('pod ready', id);
    const { reason } = await records.change(id, operation, (current) => {
      if (current.phase === 'running') return undefined;
      if (current.phase === record.phase) return { phase: 'running', reason: current.reason };
      throw new StreamSpaceError('conflict', `Session ${id} was changed (${current.phase}) while it started`);
    });
    return { spec, state: 'running', ...(reason !== '' && { reason }) };
  }

  /** Written at once, so that the fact survives a crash of this start. */
  async #sayAnew({ id, phase }: ServiceRecord, operation: Operation, home: string): Promise<void> {
    this.#parts.log.warn({ session: id, home }, 'Home of a session was missing; an empty one was made');
    await this.#parts.records.change(id, operation, (current) =>
      current.phase === phase ? { reason: HOME_ANEW } : undefined,
    );
  }

  /** Records the reason, and removes a pod that might still start later; an ended pod stays for inspection. */
  async #fail(record: ServiceRecord, reason: string, signal: AbortSignal): Promise<void> {
    const { records, pods } = this.#parts;
    const current = await records.read(record.id, signal);
    if (current?.uid !== record.uid || current.term !== record.term || current.phase !== record.phase) return;
    if ((await records.note(current, { phase: 'failed', reason }, signal)) === undefined) return;
    const pod = await pods.read(current, signal);
    const ended = pod?.status?.phase === 'Failed' || pod?.status?.phase === 'Succeeded';
    if (pod !== undefined && !ended) await pods.remove(current, { force: true }, signal);
  }
}

function asFailure(error: unknown, waitsFor: Failure, ms: number): StreamSpaceError {
  if (error instanceof StreamSpaceError) return error;
  if (error instanceof ApiError) return refusalOf(error, 'pod');
  if (error instanceof DeadlineError)
    return failed({ ...waitsFor, reason: `Not started within ${Math.round(ms / 1000)} s: ${waitsFor.reason}` });
  return failed({ reason: error instanceof Error ? error.message : String(error) }, { cause: error });
}
