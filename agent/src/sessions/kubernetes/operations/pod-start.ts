import type { V1Pod } from '@kubernetes/client-node';
import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';
import { isStatus, type KubeClient } from 'kube-client';
import type { Operation } from '../../driver.ts';
import { sessionName } from '../objects/names.ts';
import { podFor } from '../objects/pod.ts';
import type { ServiceRecord } from '../objects/record.ts';
import type { SessionObjectsConfig } from '../objects/settings.ts';
import { reasonFor } from '../state/reason.ts';
import { isQuota } from '../state/refusal.ts';
import type { ServiceRecords } from '../state/service-records.ts';
import type { View } from '../state/view.ts';
import { claimPod } from '../warm/claim.ts';
import type { WarmPool } from '../warm/pool.ts';
import type { SessionPods } from './session-pods.ts';

/** The quota of deleted warm pods becomes free after some time: number of tries, and milliseconds between them. */
const LET_GO_TRIES = 20;
const LET_GO_MS = 250;

export interface PodStartParts {
  readonly client: KubeClient;
  readonly config: SessionObjectsConfig;
  readonly view: View;
  readonly clock: Clock;
  readonly records: ServiceRecords;
  readonly pods: SessionPods;
  readonly pool: WarmPool;
}

/** Provides a session with its pod. */
export class PodStart {
  readonly #parts: PodStartParts;

  constructor(parts: PodStartParts) {
    this.#parts = parts;
  }

  /** The pod of the warm pool that the record names, otherwise an existing pod that is still usable, otherwise a new one. */
  async ensure(
    given: ServiceRecord,
    home: string | undefined,
    operation: Operation,
    signal: AbortSignal,
  ): Promise<V1Pod> {
    const { client, config, view, pool, pods, clock } = this.#parts;
    let record = given;
    let gaveWay = false;
    let room = LET_GO_TRIES;
    if (record.pod !== sessionName(record.id)) {
      const claimed = await claimPod(this.#parts, record, signal);
      if (claimed === 'lost') record = await this.#renamed(record, operation);
      else if (claimed !== undefined && isUsable(claimed, record)) return claimed;
    }
    for (let pod = view.pod(record.id); ; pod = await pods.read(record, signal)) {
      if (pod === undefined) {
        try {
          // an equal pod that the watch has not shown yet is taken over by this call
          const made = await client.apply('pods', podFor({ ...record, home }, config), signal);
          view.pods.learn(made);
          if (isUsable(made, record)) return made;
        } catch (error) {
          if (isQuota(error) && (gaveWay || (await pool.giveWay(signal)))) {
            // the quota counts the deleted pods off a little later
            gaveWay = true;
            await sleep(clock, LET_GO_MS, signal);
            if (room-- > 0) continue;
          }
          // a pod of this name exists already, and differs
          if (!(isStatus(error, 422) || isStatus(error, 409))) throw error;
          if ((await pods.read(record, signal)) === undefined) throw error;
        }
        continue;
      }
      if (isUsable(pod, record)) return pod;
      await pods.remove(record, { force: false }, signal);
    }
  }

  /**
   * Gives the record a pod name of the session's own: by compare-and-set with the term, so that no operation that knows only the old name can
   * still claim that pod.
   */
  #renamed({ id, phase }: ServiceRecord, operation: Operation): Promise<ServiceRecord> {
    return this.#parts.records.change(id, operation, (current) => {
      if (current.phase === phase) return { pod: sessionName(id) };
      throw new StreamSpaceError('conflict', `Session ${id} was changed (${current.phase}) while it started`);
    });
  }
}

const isUsable = (pod: V1Pod, record: ServiceRecord): boolean =>
  pod.metadata?.ownerReferences?.some(({ uid }) => uid === record.uid) === true && reasonFor(pod).state !== 'failed';
