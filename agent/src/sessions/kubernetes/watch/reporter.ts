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

/** Compares what the cluster shows with what was told last, and tells the difference. Sessions go by the name of their objects. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #onChange: OnChange;
  readonly #signal: AbortSignal;
  readonly #told = new Map<string, { id: string; status: SessionStatus | undefined }>();
  /** Sessions whose delete is done, and whose record the watch may still show: its uid, by name. */
  readonly #deleted = new Map<string, string>();
  readonly #looks = coalesceEach((name: string) => this.#tryLook(name));
  readonly #outage: Outage;

  constructor(parts: ReporterParts, onChange: OnChange, signal: AbortSignal) {
    this.#parts = parts;
    this.#outage = new Outage(parts.clock, parts.log, 'Change of a session could not be read');
    this.#onChange = onChange;
    this.#signal = signal;
  }

  /** What is so at the beginning is no news, except a failure that nobody has written down. */
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

  /** Something changed about the session. */
  look(name: string): void {
    void this.#looks(name);
  }

  /** Words of an operation that goes on. */
  tell(sessionId: string, status: SessionStatus): void {
    this.#tell(sessionName(sessionId), sessionId, status);
  }

  /** Operations are over. What they did is known to who asked; where they did not do all of it, what became of the session is news. */
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
      // by hand, by somebody else's command, or by one of ours that had given up
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
      // written down, so that the reason outlives the pod; if somebody changed the record meanwhile, that is looked at again
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
