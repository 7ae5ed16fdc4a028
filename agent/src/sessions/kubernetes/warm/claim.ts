import type { V1Pod } from '@kubernetes/client-node';
import { isStatus, type KubeClient } from 'kube-client';
import { WARM_LABEL } from '../objects/names.ts';
import { identityOf } from '../objects/pod.ts';
import type { ServiceRecord } from '../objects/record.ts';
import type { SessionObjectsConfig } from '../objects/settings.ts';
import type { View } from '../state/view.ts';

/** A pod that changes all the time while it is claimed is no ready one. */
const TRIES = 10;

export interface ClaimParts {
  readonly client: KubeClient;
  readonly config: Pick<SessionObjectsConfig, 'agentId'>;
  readonly view: View;
}

/**
 * Gives a pod of the pool to the session whose record names it; asking again finds it done. `lost`: it is another session's, or
 * about to end. undefined: there is no such pod. The write names the very version of the pod that was waiting: of any number of
 * claims, late ones of superseded leaders included, one succeeds.
 */
export async function claimPod(
  { client, config, view }: ClaimParts,
  record: ServiceRecord,
  signal: AbortSignal,
): Promise<V1Pod | 'lost' | undefined> {
  let pod: V1Pod | undefined = view.pods.get(record.pod);
  for (let tries = 0; tries < TRIES; tries++) {
    if (pod === undefined || tries > 0) {
      try {
        pod = await client.get<V1Pod>('pods', record.pod, signal);
      } catch (error) {
        if (isStatus(error, 404)) return undefined;
        throw error;
      }
    }
    const { labels, ownerReferences, uid, resourceVersion, deletionTimestamp } = pod.metadata!;
    if (labels?.[WARM_LABEL] === undefined) {
      return ownerReferences?.some((owner) => owner.uid === record.uid) === true ? pod : 'lost';
    }
    if (deletionTimestamp !== undefined) return 'lost';
    const identity = identityOf(record, config);
    const metadata = { uid, resourceVersion, ...identity, labels: { ...identity.labels, [WARM_LABEL]: null } };
    try {
      const claimed = await client.patch<V1Pod>('pods', record.pod, { metadata }, signal);
      view.pods.learn(claimed);
      return claimed;
    } catch (error) {
      if (!isStatus(error, 409) && !isStatus(error, 404)) throw error;
    }
  }
  return 'lost';
}
