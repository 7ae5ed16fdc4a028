import type { V1Pod } from '@kubernetes/client-node';
import { isStatus, type KubeClient } from 'kube-client';
import { WARM_LABEL } from '../objects/names.ts';
import { identityOf } from '../objects/pod.ts';
import type { ServiceRecord } from '../objects/record.ts';
import type { SessionObjectsConfig } from '../objects/settings.ts';
import type { View } from '../state/view.ts';

/** A pod that changes so often while it is claimed is not ready. */
const TRIES = 10;

export interface ClaimParts {
  readonly client: KubeClient;
  readonly config: Pick<SessionObjectsConfig, 'agentId'>;
  readonly view: View;
}

/**
 * Gives a pod of the warm pool to the session whose record names it; a repeated call finds the work done. `lost`: the pod belongs to another
 * session or is about to end. undefined: there is no such pod. The write names the exact version of the waiting pod: of any number of claims,
 * including late ones of superseded leaders, one succeeds.
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
