import { DEFAULT_IMAGE, imageName } from '../../core/image-name.ts';
import type { V1Container, V1ObjectMeta, V1Pod, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import type { SessionObjectsConfig } from './settings.ts';
import { environment, type PodPlan } from './environment.ts';
import { hasHome, homePath, screenPort } from '../../core/environment.ts';
import { mergePod } from './merge.ts';
import { ANNOTATIONS, HOME_VOLUME, SCREEN_PORT, SESSION_CONTAINER, sessionName, WARM_LABEL } from './names.ts';
import { homeName, sessionLabels } from '../../core/names.ts';
import { bytesQuantity, cpuQuantity } from './quantity.ts';
import type { ServiceRecord } from './record.ts';

/** Numeric user of images that name none, and group of the home, so that any of these users can write the home. */
const GROUP = 1000;
/** Time for a desktop to end its programs, seconds. */
const GRACE_SECONDS = 10;
/**
 * The agent's own limit ends a start and names the reason (COMMAND_TIMEOUT, at most an hour); this limit is for a pod whose agent is gone.
 * Seconds.
 */
const SCREEN_SECONDS = 3_600;
/** Where the program of a session without a home reads its identity: files `id` and `user`. */
const IDENTITY_FOLDER = '/etc/streamspace/session';

export type Identity = Pick<ServiceRecord, 'spec' | 'commandId' | 'term' | 'uid' | 'pod'>;
/** A session's identity, with the name of its home's claim; without a name, that of a new claim. */
export type IdentityWithHome = Identity & { readonly home?: string | undefined };

/**
 * The pod of a session, ready for Pod Security `restricted`. Its owner is the session's Service with exactly this uid: Kubernetes removes a pod
 * that a superseded leader makes for a session that is gone.
 */
export function podFor(record: IdentityWithHome, config: SessionObjectsConfig): V1Pod {
  const { spec, metadata } = build({ ...record.spec, home: record.home ?? homeName(record.spec) }, config);
  const { labels, annotations, ownerReferences } = identityOf(record, config);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    spec,
    metadata: {
      name: record.pod,
      namespace: config.namespace,
      // the labels that identify the session override the template's
      labels: { ...metadata?.labels, ...labels },
      annotations: { ...metadata?.annotations, ...annotations },
      ownerReferences,
    },
  };
}

/** The metadata that binds a pod to its session: the labels that select it, its author, and its owner, the Service. */
export function identityOf(
  { spec, commandId, term, uid }: Identity,
  { agentId }: Pick<SessionObjectsConfig, 'agentId'>,
): Required<Pick<V1ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>> {
  return {
    labels: sessionLabels(spec, agentId),
    annotations: {
      [ANNOTATIONS.spec]: JSON.stringify(spec),
      [ANNOTATIONS.user]: spec.user,
      [ANNOTATIONS.command]: commandId,
      [ANNOTATIONS.term]: String(term),
    },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: sessionName(spec.id), uid }],
  };
}

/** A pod that waits for a session of the template. It has no owner: the agent that keeps the pool removes it. */
export function warmPodFor(plan: PodPlan, name: string, config: SessionObjectsConfig): V1Pod {
  const { template, image, cpu, memory, storage, env } = plan;
  const anybodys = { template, image, cpu, memory, storage, env };
  const { spec, metadata } = build(anybodys, config);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    spec,
    metadata: {
      name,
      namespace: config.namespace,
      labels: { ...metadata?.labels, app: 'session', agent: config.agentId, [WARM_LABEL]: template },
      annotations: { ...metadata?.annotations, [ANNOTATIONS.shape]: shapeOf(plan, config) },
    },
  };
}

/** Equal for plans whose pods differ only in the session's identity. */
export function shapeOf(plan: PodPlan, config: SessionObjectsConfig): string {
  const { template, image, cpu, memory, storage, env } = plan;
  const built = build({ template, image, cpu, memory, storage, env }, config);
  return createHash('sha256').update(JSON.stringify(built)).digest('hex').slice(0, 16);
}

function build(plan: PodPlan, config: SessionObjectsConfig): { metadata: V1ObjectMeta | undefined; spec: V1PodSpec } {
  const built: V1Pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: podSpec(plan, config) };
  const { metadata, spec } = config.podTemplate === undefined ? built : mergePod(built, config.podTemplate);
  return { metadata, spec: spec! };
}

function podSpec(plan: PodPlan, config: SessionObjectsConfig): V1PodSpec {
  const secrets = config.sessionImagePullSecrets?.split(',') ?? [];
  return {
    // an ended desktop is not restarted unnoticed: the session fails and reports the reason
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    securityContext: {
      runAsNonRoot: true,
      fsGroup: GROUP,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [sessionContainer(plan, config)],
    volumes: [
      ...homeVolumes(plan, config),
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '512Mi' } },
    ],
  };
}

/** The user's home; or, without a home, a volume that is removed with the pod, and the user's identity once it is known. */
function homeVolumes(plan: PodPlan, config: SessionObjectsConfig): V1Volume[] {
  if (hasHome(plan)) {
    return [{ name: HOME_VOLUME, persistentVolumeClaim: { claimName: plan.home ?? '' } }];
  }
  const field = (path: string, fieldPath: string) => ({ path, fieldRef: { fieldPath } });
  return [
    {
      name: HOME_VOLUME,
      emptyDir: { sizeLimit: bytesQuantity(plan.storage > 0 ? plan.storage : config.sessionDefaultStorage) },
    },
    {
      name: 'identity',
      downwardAPI: {
        items: [
          field('id', "metadata.labels['session']"),
          field('user', `metadata.annotations['${ANNOTATIONS.user}']`),
        ],
      },
    },
  ];
}

function sessionContainer(plan: PodPlan, config: SessionObjectsConfig): V1Container {
  const amounts = {
    cpu: cpuQuantity(plan.cpu > 0 ? plan.cpu : config.sessionDefaultCpu),
    memory: bytesQuantity(plan.memory > 0 ? plan.memory : config.sessionDefaultMemory),
  };
  return {
    name: SESSION_CONTAINER,
    image: imageName(
      plan.image === '' ? (config.defaultImage ?? DEFAULT_IMAGE) : plan.image,
      config.sessionImageRegistry,
    ),
    imagePullPolicy: config.sessionImagePullPolicy,
    env: environment(plan, config),
    ports: [{ name: SCREEN_PORT, containerPort: screenPort(plan, config), protocol: 'TCP' }],
    resources: { requests: amounts, limits: { ...amounts } },
    // only until the first answer: VNC servers count silent connections as attacks
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
      { name: HOME_VOLUME, mountPath: homePath(plan) },
      ...(hasHome(plan) ? [] : [{ name: 'identity', mountPath: IDENTITY_FOLDER, readOnly: true }]),
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
  };
}
