import type { V1Pod } from '@kubernetes/client-node';
import { type Clock, deadline, sleep, withDeadline } from 'clock-port';
import { isStatus, type KubeClient } from 'kube-client';
import type { DriverLog } from '../../core/driver-log.ts';
import { SESSION_CONTAINER } from '../objects/names.ts';
import type { ServiceRecord } from '../objects/record.ts';
import type { Diagnosis } from '../state/reason.ts';
import { isOf, type View } from '../state/view.ts';

/** A node has this much time beyond the pod's own grace period, milliseconds; then it counts as lost. */
const NODE_MS = 30_000;
const BEHIND_MS = 50;
const LOG_MS = 5_000;
/** The part of the program's last output that a reason includes. */
const LOG_QUERY = { container: SESSION_CONTAINER, tailLines: 10, limitBytes: 2048 };

/** The part of a record that identifies its pod. */
type Whose = Pick<ServiceRecord, 'id' | 'pod'>;

export interface SessionPodsParts {
  readonly client: KubeClient;
  readonly view: View;
  readonly clock: Clock;
  readonly log: DriverLog;
}

/** The pods of sessions: reads them, removes them, and reads their last output. */
export class SessionPods {
  readonly #parts: SessionPodsParts;

  constructor(parts: SessionPodsParts) {
    this.#parts = parts;
  }

  /** The session's current pod; undefined when there is none. */
  async read({ pod: name, id }: Whose, signal: AbortSignal): Promise<V1Pod | undefined> {
    try {
      const pod = await this.#parts.client.get<V1Pod>('pods', name, signal);
      return isOf(pod, id) ? pod : undefined;
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /**
   * Removes the session's pod and resolves when it is gone. With `force`, removes a pod by force if its node does not confirm in time (the
   * session is being deleted, so nobody needs its remaining work); otherwise keeps waiting. Leaves any later pod of the same name alone.
   */
  async remove(whose: Whose, options: { force: boolean }, signal: AbortSignal): Promise<void> {
    const { client, view, clock, log } = this.#parts;
    const pod = await this.read(whose, signal);
    if (pod === undefined) return;
    const { pod: name, id } = whose;
    const uid = pod.metadata?.uid;
    const remove = async (gracePeriodSeconds?: number): Promise<boolean> => {
      try {
        const more = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
        return await client.remove('pods', name, { preconditions: { uid }, ...more }, signal);
      } catch (error) {
        if (isStatus(error, 409)) return false;
        throw error;
      }
    };
    if (!(await remove())) return;

    const grace = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
    const patience = deadline(clock, grace + NODE_MS, 'the node’s confirmation', signal);
    let forced = !options.force;
    try {
      for (;;) {
        const { changed, stop } = view.nextChange(id, forced ? signal : patience.signal);
        try {
          if (view.pods.get(name)?.metadata?.uid === uid) await changed;
          // the watch may be behind: a pod that it does not show is gone, or has not been seen yet
          else if ((await this.read(whose, signal))?.metadata?.uid === uid) await sleep(clock, BEHIND_MS, signal);
          else return;
        } catch (error) {
          if (signal.aborted || !patience.signal.aborted) throw error;
          forced = true;
          const node = pod.spec?.nodeName;
          log.warn({ session: id, node }, 'Node does not confirm that a pod ended; removing it by force');
          await remove(0);
        } finally {
          stop();
        }
      }
    } finally {
      patience.clear();
    }
  }

  /** The reason with the program's last output, if the program ended by itself and its output is available. */
  async reasonWithLog(pod: string, diagnosis: Diagnosis, signal: AbortSignal): Promise<string> {
    if (!diagnosis.crashed) return diagnosis.reason;
    const { client, clock, log } = this.#parts;
    try {
      const text = await withDeadline(clock, LOG_MS, 'log', signal, (limit) => client.log(pod, LOG_QUERY, limit));
      return text.trim() === '' ? diagnosis.reason : `${diagnosis.reason}. Its last lines:\n${text.trim()}`;
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, pod }, 'The log of a crashed session can’t be read');
      return diagnosis.reason;
    }
  }
}
