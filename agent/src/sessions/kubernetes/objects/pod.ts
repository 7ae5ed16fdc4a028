import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { SessionObjectsConfig } from '../options.ts';
import { environment, homePath, screenPort } from './environment.ts';
import { mergePod } from './merge.ts';
import {
  ANNOTATIONS,
  HOME_VOLUME,
  homeName,
  SCREEN_PORT,
  SESSION_CONTAINER,
  sessionLabels,
  sessionName,
} from './names.ts';
import { bytesQuantity, cpuQuantity } from './quantity.ts';
import type { StoredRecord } from './record.ts';

/** Numeric user of images that name none, and group of the home, so that any of them can write it. */
const GROUP = 1000;
/** A desktop has this long to end its programs, seconds. */
const GRACE_SECONDS = 10;
/** A screen may take this long to answer once the container runs, seconds. */
const SCREEN_SECONDS = 120;

type Identity = Pick<StoredRecord, 'spec' | 'commandId' | 'term' | 'uid'>;

/**
 * The pod of a session, ready for Pod Security `restricted`. It is owned by the session's Service of that very uid: a pod that a
 * superseded leader makes for a session that is gone goes by itself.
 */
export function podFor(record: Identity, config: SessionObjectsConfig): V1Pod {
  const { spec } = record;
  const built: V1Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {},
    spec: podSpec(record, config),
  };
  const pod = config.podTemplate === undefined ? built : mergePod(built, config.podTemplate);
  // what identifies the session is never the template's
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    spec: pod.spec!,
    metadata: {
      name: sessionName(spec.id),
      namespace: config.namespace,
      labels: { ...pod.metadata?.labels, ...sessionLabels(spec, config.agentId) },
      annotations: {
        ...pod.metadata?.annotations,
        [ANNOTATIONS.spec]: JSON.stringify(spec),
        [ANNOTATIONS.user]: spec.user,
        [ANNOTATIONS.command]: record.commandId,
        [ANNOTATIONS.term]: String(record.term),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: sessionName(spec.id), uid: record.uid }],
    },
  };
}

function podSpec({ spec }: Identity, config: SessionObjectsConfig): V1PodSpec {
  return {
    // a desktop that ended is not started behind its user's back: it has failed, and says why
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      fsGroup: GROUP,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [sessionContainer(spec, config)],
    volumes: [
      { name: HOME_VOLUME, persistentVolumeClaim: { claimName: homeName(spec) } },
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '512Mi' } },
    ],
  };
}

function sessionContainer(spec: Identity['spec'], config: SessionObjectsConfig): V1Container {
  const amounts = {
    cpu: cpuQuantity(spec.cpu > 0 ? spec.cpu : config.defaultCpu),
    memory: bytesQuantity(spec.memory > 0 ? spec.memory : config.defaultMemory),
  };
  return {
    name: SESSION_CONTAINER,
    image: spec.image === '' ? config.defaultImage : spec.image,
    imagePullPolicy: config.imagePullPolicy,
    env: environment(spec, config),
    ports: [{ name: SCREEN_PORT, containerPort: screenPort(spec, config), protocol: 'TCP' }],
    resources: { requests: amounts, limits: { ...amounts } },
    // only until it answers once: VNC servers count connections that say nothing as attacks
    startupProbe: {
      tcpSocket: { port: SCREEN_PORT },
      periodSeconds: 1,
      timeoutSeconds: 1,
      failureThreshold: SCREEN_SECONDS,
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: HOME_VOLUME, mountPath: homePath(spec) },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
  };
}
