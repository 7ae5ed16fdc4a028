import type { V1Pod } from '@kubernetes/client-node';
import { deadline, sleep } from 'clock-port';
import { isStatus } from 'kube-client';
import type { ServiceRecord } from '../objects/record.ts';
import { isOf } from '../state/view.ts';
import type { Context } from '../context.ts';

/** Beyond the pod's own grace period its node has this long, milliseconds; then the node is taken for lost. */
const NODE_MS = 30_000;
const BEHIND_MS = 50;

/** The part of a record that says which pod is meant. */
type Whose = Pick<ServiceRecord, 'id' | 'pod'>;

/** The session's pod as it is now; undefined when there is none. */
export async function readPod(
  context: Context,
  { pod: name, id }: Whose,
  signal: AbortSignal,
): Promise<V1Pod | undefined> {
  try {
    const pod = await context.client.get<V1Pod>('pods', name, signal);
    return isOf(pod, id) ? pod : undefined;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/**
 * Removes the session's pod and resolves when it is gone. A pod whose node does not confirm in time is removed by force if
 * `force` (its session is being deleted, nobody will miss what it still does); otherwise the wait goes on.
 * Other pods of that name than the one seen at the beginning are left alone.
 */
export async function removePod(
  context: Context,
  record: Whose,
  options: { force: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { client, view, clock } = context;
  const pod = await readPod(context, record, signal);
  if (pod === undefined) return;
  const { pod: name, id: sessionId } = record;
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
      const { changed, stop } = view.nextChange(sessionId, forced ? signal : patience.signal);
      try {
        if (view.pods.get(name)?.metadata?.uid === uid) await changed;
        // the watch may be behind: what it does not show is gone, or was not seen yet
        else if ((await readPod(context, record, signal))?.metadata?.uid === uid) await sleep(clock, BEHIND_MS, signal);
        else return;
      } catch (error) {
        if (signal.aborted || !patience.signal.aborted) throw error;
        forced = true;
        context.log.warn(
          { session: sessionId, node: pod.spec?.nodeName },
          'Node does not confirm that a pod ended; removing it by force',
        );
        await remove(0);
      } finally {
        stop();
      }
    }
  } finally {
    patience.clear();
  }
}
