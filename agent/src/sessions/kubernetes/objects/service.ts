import type { V1Service } from '@kubernetes/client-node';
import type { SessionObjectsConfig } from './settings.ts';
import { sessionLabels } from '../../core/names.ts';
import { SCREEN_PORT, sessionName } from './names.ts';
import { screenPort } from '../../core/environment.ts';
import { recordAnnotations, type ServiceDraft } from './record.ts';

/** The Service of a session: it leads to the screen within the cluster, for those who may use it, and holds the session's record. */
export function serviceFor(record: ServiceDraft, config: SessionObjectsConfig): V1Service {
  const { spec } = record;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: sessionName(spec.id),
      namespace: config.namespace,
      labels: sessionLabels(spec, config.agentId),
      annotations: recordAnnotations(record),
    },
    spec: {
      type: config.sessionServiceType,
      selector: { app: 'session', agent: config.agentId, session: spec.id },
      ports: [{ name: SCREEN_PORT, port: screenPort(spec, config), targetPort: SCREEN_PORT, protocol: 'TCP' }],
    },
  };
}
