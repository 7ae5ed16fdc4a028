import { type Clock, coalesceEach, Outage } from 'clock-port';
import type { SessionStatus } from '@streamspace/protocol';
import { isDeepStrictEqual } from 'node:util';
import { sessionName } from '../objects/names.ts';
import { recordOf, type ServiceRecord } from '../objects/record.ts';
import type { SessionPods } from '../operations/session-pods.ts';
import { type Diagnosis, reasonFor } from '../state/reason.ts';
import type { ServiceRecords } from '../state/service-records.ts';
import { statusFor } from '../state/status.ts';
import type { View } from '../state/view.ts';
import type { DriverLog } from '../../core/driver-log.ts';
import type { Ending, Operations } from '../../core/operations.ts';

export type OnChange = (sessionId: string, status: SessionStatus | undefined) => void;

export interface ReporterParts {
  readonly records: ServiceRecords;
  readonly view: View;
  readonly pods: SessionPods;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly log: DriverLog;
}

/** Compares the cluster's state with the last report, and reports the difference. The key of a session is the name of its objects. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #onChange: OnChange;
  readonly #signal: AbortSignal;
  readonly #told = new Map<string, { id: string; status: SessionStatus | undefined }>();
  /** Deleted sessions whose record the watch may still show: its uid, by name. */
  readonly #deleted = new Map<string, string>();
  readonly #looks = coalesceEach((name: string) => this.#tryLook(name));
  readonly #outage: Outage;

  constructor(parts: ReporterParts, onChange: OnChange, signal: AbortSignal) {
    this.#parts = parts;
    this.#outage = new Outage(parts.clock, parts.log, 'Change of a session could not be read');
    this.#onChange = onChange;
    this.#signal = signal;
  }

  /** The initial state is not reported, except a failure that is not in the record yet. */
  begin(record: ServiceRecord): void {
    const name = sessionName(record.spec.id);
    const status = statusFor(record, this.#parts.view.pod(record.spec.id));
    this.#warnOf(record);
    const news = record.phase === 'running' && status?.state === 'failed';
    this.#told.set(name, { id: record.spec.id, status: news ? { spec: record.spec, state: 'running' } : status });
    if (news) this.look(name);
  }

  stop(): void {
    this.#outage.stop();
  }

  /** Called after a change of the session. */
  look(name: string): void {
    void this.#looks(name);
  }

  /** Reports a status from a running operation. */
  tell(sessionId: string, status: SessionStatus): void {
    this.#tell(sessionName(sessionId), sessionId, status);
  }

  /** The session's operations are over. Their result is known to the caller; after an incomplete operation, the session's state is reported. */
  settle(sessionId: string, ending: Ending): void {
    const name = sessionName(sessionId);
    const record = this.#parts.view.record(sessionId);
    if (ending === undefined) this.look(name);
    else if (record === undefined || record.phase === 'deleting') {
      this.#told.delete(name);
      if (record !== undefined) this.#deleted.set(name, record.uid);
    } else this.#told.set(name, { id: sessionId, status: statusFor(record, this.#parts.view.pod(sessionId)) });
  }

  async #tryLook(name: string): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await this.#lookAt(name);
    } catch (error) {
      if (!this.#signal.aborted) this.#outage.failed({ err: error, session: name });
    }
  }

  async #lookAt(name: string): Promise<void> {
    const { view, pods } = this.#parts;
    const service = view.services.get(name);
    const record = service && recordOf(service);
    const told = this.#told.get(name);
    const id = record?.spec.id ?? told?.id;
    const deleted = this.#deleted.get(name);
    if (record === undefined || record.uid !== deleted) this.#deleted.delete(name);
    if (id === undefined || this.#parts.operations.concern(id) || (record !== undefined && record.uid === deleted))
      return;
    if (record === undefined) {
      // deleted by hand, by another program's command, or by a command of this process that had been given up
      if (told?.status !== undefined) this.#tell(name, id, undefined);
      this.#told.delete(name);
      return;
    }
    if (!isDeepStrictEqual(told?.status?.reason, statusFor(record, undefined)?.reason)) this.#warnOf(record);
    const pod = view.pod(id);
    let diagnosis: Diagnosis | undefined = pod && reasonFor(pod);
    let status = statusFor(record, pod, diagnosis);
    if (record.phase === 'running' && status?.state === 'failed' && diagnosis?.final !== false) {
      if (pod !== undefined && diagnosis !== undefined) {
        diagnosis = { ...diagnosis, reason: await pods.reasonWithLog(record.pod, diagnosis, this.#signal) };
        status = statusFor(record, pod, diagnosis);
      }
      // written to the record, so that the reason outlives the pod; if somebody changed the record meanwhile, the change causes another look
      const noted = await this.#parts.records.note(
        record,
        { phase: 'failed', reason: status?.reason ?? '' },
        this.#signal,
      );
      if (noted === undefined || this.#parts.operations.concern(id)) return;
    }
    this.#tell(name, id, status);
  }

  #warnOf({ spec, problem }: ServiceRecord): void {
    if (problem !== undefined)
      this.#parts.log.warn({ session: spec.id, problem }, 'Record of a session can’t be read; it is left as it is');
  }

  #tell(name: string, id: string, status: SessionStatus | undefined): void {
    if (this.#signal.aborted || isDeepStrictEqual(this.#told.get(name)?.status, status)) return;
    this.#told.set(name, { id, status });
    this.#onChange(id, status);
  }
}
