import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import type { SessionObjectsConfig } from './settings.ts';
import { ANNOTATIONS } from './names.ts';
import { type HomeOwner, homeName, labelValue } from '../../core/names.ts';
import { bytesQuantity } from './quantity.ts';

/** What homes are made by besides their first session's spec. */
export type HomeConfig = Pick<
  SessionObjectsConfig,
  'agentId' | 'namespace' | 'sessionStorageClass' | 'sessionDefaultStorage'
>;

/**
 * The home of a user in a template. It has no `session` label, as it is of all their sessions, and no owner: it outlives them.
 * Its size and class are those of the first session; a later one takes it as it is.
 */
export function claimFor(spec: SessionSpec, config: HomeConfig): V1PersistentVolumeClaim {
  const { sessionStorageClass: storageClass } = config;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: homeName(spec),
      namespace: config.namespace,
      labels: { app: 'session', agent: config.agentId, user: labelValue(spec.user), template: spec.template },
      annotations: { [ANNOTATIONS.user]: spec.user, [ANNOTATIONS.template]: spec.template },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClass !== undefined && { storageClassName: storageClass }),
      resources: {
        requests: { storage: bytesQuantity(spec.storage > 0 ? spec.storage : config.sessionDefaultStorage) },
      },
    },
  };
}

/** Whether the claim is the owner's home, as it says itself: its name may be that of another owner's, too. */
export function isHomeOf({ metadata }: V1PersistentVolumeClaim, { user, template }: HomeOwner): boolean {
  const annotations = metadata?.annotations;
  return annotations?.[ANNOTATIONS.user] === user && annotations[ANNOTATIONS.template] === template;
}
