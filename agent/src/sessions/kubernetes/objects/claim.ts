import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import type { SessionObjectsConfig } from './settings.ts';
import { ANNOTATIONS } from './names.ts';
import { type HomeOwner, homeName, labelValue } from '../../core/names.ts';
import { bytesQuantity } from './quantity.ts';

/** The settings for homes, besides the spec of their first session. */
export type HomeConfig = Pick<
  SessionObjectsConfig,
  'agentId' | 'namespace' | 'sessionStorageClass' | 'sessionDefaultStorage'
>;

/**
 * The home of a user for a template. It has no `session` label, because all of the user's sessions share it, and no owner, because it outlives
 * them. The first session's spec determines size and class; later sessions use the home unchanged.
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

/** Whether the claim is the owner's home according to its own metadata: the claim of another owner may have the same name. */
export function isHomeOf({ metadata }: V1PersistentVolumeClaim, { user, template }: HomeOwner): boolean {
  const annotations = metadata?.annotations;
  return annotations?.[ANNOTATIONS.user] === user && annotations[ANNOTATIONS.template] === template;
}
