import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { type Clock, deadline } from 'clock-port';
import type { Operation } from '../../driver.ts';
import { type Failure, failed } from '../../core/failure.ts';
import { fence } from '../../core/record.ts';
import type { ServiceRecord } from '../objects/record.ts';
import { reasonFor } from '../state/reason.ts';
import type { View } from '../state/view.ts';
import type { WarmPool } from '../warm/pool.ts';
import type { Homes } from './homes.ts';
import type { SessionPods } from './session-pods.ts';

/** A start that takes longer than this reports its reason, milliseconds. */
const SLOW_MS = 2_000;
/** A reason that is a part of every start is reported only after this time, milliseconds. */
const ROUTINE_MS = 20_000;
/** A start with a reason that will hardly go away (a wrong image) fails after this time, milliseconds. */
const DOUBTFUL_MS = 60_000;
/** A slow start is examined this often even if nothing changes: time alone may make its reason worth reporting. Milliseconds. */
const LOOK_AGAIN_MS = 5_000;

/** Hears the reason why a start waits, and whether the wait is long enough to report it. */
export type OnWait = (what: Failure, worthTelling: boolean) => void;

export interface ReadinessParts {
  readonly view: View;
  readonly clock: Clock;
  readonly homes: Homes;
  readonly pods: SessionPods;
  readonly pool: WarmPool;
}

/** Waits until pods are ready. */
export class Readiness {
  readonly #parts: ReadinessParts;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Resolves when the pod is ready. Throws the cause that keeps it from ever being ready. */
  async of(
    record: ServiceRecord,
    operation: Operation,
    made: V1Pod,
    signal: AbortSignal,
    onWait: OnWait,
  ): Promise<void> {
    const { view, clock, pods, homes, pool } = this.#parts;
    const { id } = record;
    const name = made.metadata!.name!;
    let gaveWay = false;
    const began = clock.monotonic();
    let claim: V1PersistentVolumeClaim | undefined;
    let doubtful: number | undefined;

    const look = async (): Promise<boolean> => {
      const now = view.record(id);
      if (now !== undefined) fence(now, operation);
      const current = view.pod(id);
      const pod = current ?? made;
      // the watch has shown the pod before, but no longer does
      const gone =
        current === undefined
          ? (await pods.read({ id, pod: name }, signal)) === undefined
          : current.metadata?.uid !== made.metadata?.uid;
      if (gone) throw failed({ reason: 'Its pod was deleted from outside' });
      let diagnosis = reasonFor(pod, view.events(pod, claim?.metadata?.name ?? ''), claim);
      if (diagnosis.state === 'running') return true;
      if (diagnosis.unschedulable && !gaveWay) {
        gaveWay = true;
        await pool.giveWay(signal);
      }
      if (/persistentvolumeclaim/i.test(diagnosis.reason)) {
        claim = await homes.read(record.spec, signal);
        diagnosis = reasonFor(pod, view.events(pod, claim?.metadata?.name ?? ''), claim);
      }
      doubtful = diagnosis.doubtful ? (doubtful ?? clock.monotonic()) : undefined;
      if (diagnosis.final || (doubtful !== undefined && clock.monotonic() - doubtful >= DOUBTFUL_MS))
        throw failed({ ...diagnosis, reason: await pods.reasonWithLog(name, diagnosis, signal) });
      onWait(diagnosis, clock.monotonic() - began >= (diagnosis.routine ? ROUTINE_MS : SLOW_MS));
      return false;
    };

    if (await this.#within(SLOW_MS, id, look, signal)) return;
    await view.duringEvents(async () => {
      while (!(await this.#within(LOOK_AGAIN_MS, id, look, signal)));
    });
  }

  /** Examines every change for `ms`; returns whether the pod is ready. */
  async #within(ms: number, id: string, look: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const patience = deadline(this.#parts.clock, ms, 'start', signal);
    try {
      for (;;) {
        const { changed, stop } = this.#parts.view.nextChange(id, patience.signal);
        try {
          if (await look()) return true;
          await changed;
        } catch (error) {
          if (patience.signal.aborted && !signal.aborted) return false;
          throw error;
        } finally {
          stop();
        }
      }
    } finally {
      patience.clear();
    }
  }
}
