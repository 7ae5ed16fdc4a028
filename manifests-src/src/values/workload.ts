import type { k8s } from 'cdk8s-plus-28';
import { PORT } from '@streamspace/settings';
import {
  annotations,
  choice,
  countOrShare,
  flag,
  integer,
  kube,
  labels,
  list,
  names,
  objectName,
  open,
  pattern,
  section,
  string,
} from './kinds.ts';

/** Common values of all our workloads, under the same names. */

export const registry = (description: string, example: string) =>
  pattern(
    description,
    'a registry such as registry.example.com:5000',
    `^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:${PORT})?(/[a-z0-9._-]+)*$`,
    '',
    [example],
  );

export const image = (repository: string, tag = '') =>
  section('The image', {
    registry: registry('Registry; wins over global.imageRegistry', 'registry.example.com'),
    repository: pattern(
      'Repository',
      'a repository such as streamspace/api',
      '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*$',
      repository,
      ['mirror/x/y', 'localhost:5000/x'],
    ),
    tag: pattern(
      'Tag; empty: the chart’s appVersion',
      'a tag in quotes, as YAML reads 1.0 without them as the number 1 (--set-string on the command line)',
      '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$',
      tag,
      ['0777', 'on'],
    ),
    digest: pattern('Digest; wins over the tag', 'a digest, sha256:…', '^sha256:[a-f0-9]{64}$', '', [
      `sha256:${'0123456789abcdef'.repeat(4)}`,
    ]),
    pullPolicy: choice('Pull policy', ['IfNotPresent', 'Always', 'Never'], 'IfNotPresent'),
  });

export const serviceAccount = (what: string) =>
  section('The ServiceAccount', {
    create: flag('Make one', true),
    name: objectName(`Name; empty: ${what}, or \`default\` without create`),
    annotations: annotations('Annotations, e.g. of a cloud’s workload identity'),
    labels: labels('Labels'),
  });

export const disruption = (enabled: boolean) =>
  section('PodDisruptionBudget; set one of the two fields', {
    enabled: flag('Make one if there is more than one replica', enabled),
    minAvailable: countOrShare('Pods that must stay available; empty: field not used', '', [2, '50%']),
    maxUnavailable: countOrShare('Pods that may be unavailable; empty: 1, if minAvailable is empty too', '', [
      2,
      '25%',
    ]),
  });

type Requirements = k8s.ResourceRequirements;
const amounts = (requests: Record<string, string>, limits: Record<string, string>) =>
  ({ requests, limits }) as unknown as Requirements;

export const resources = (requests: Record<string, string>, limits: Record<string, string>) =>
  kube<Requirements>('ResourceRequirements', 'Requests and limits', amounts(requests, limits), [
    amounts({ cpu: '1', memory: '1Gi' }, { memory: '1Gi' }),
    amounts({ cpu: '250m', memory: '300Mi' }, { cpu: '2', memory: '300Mi' }),
  ]);

export const scheduling = {
  nodeSelector: kube<Readonly<Record<string, string>>>('{}string', 'Labels that nodes must have', {}, [
    { 'kubernetes.io/arch': 'arm64', spot: 'on' },
  ]),
  tolerations: kube<k8s.Toleration[]>(
    '[]Toleration',
    'Tolerated taints',
    [],
    [[{ key: 'dedicated', operator: 'Equal', value: 'on', effect: 'NoSchedule' }]],
  ),
  affinity: kube<k8s.Affinity>('Affinity', 'Affinity in full; wins over podAntiAffinity', {}, [
    {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd', '{{ x }}'] }] }],
        },
      },
    },
  ]),
  podAntiAffinity: section('Replicas on separate nodes', {
    enabled: flag('Keep replicas apart', true),
    type: choice(
      'Whether a replica without a separate node waits (required) or not',
      ['preferred', 'required'],
      'preferred',
    ),
    topologyKey: string('Node label by which replicas are apart', 'kubernetes.io/hostname', [
      'topology.kubernetes.io/zone',
    ]),
  }),
  topologySpread: section(
    'Replicas spread over zones; Kubernetes excludes nodes without the zone label from all spreading',
    {
      enabled: flag('Spread replicas', false),
      maxSkew: integer('Largest difference between zones', 1, 1, 100),
      topologyKey: string('Node label of the zones', 'topology.kubernetes.io/zone', ['kubernetes.io/hostname']),
      whenUnsatisfiable: choice('If that is impossible', ['ScheduleAnyway', 'DoNotSchedule'], 'ScheduleAnyway'),
    },
  ),
  priorityClassName: objectName('PriorityClass of the pods'),
};

export const extras = {
  strategy: kube<k8s.DeploymentStrategy>(
    'DeploymentStrategy',
    'How new pods replace old ones; empty: without a gap, or one after the other if podAntiAffinity is required',
    {},
    [{ type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } }] as never,
  ),
  runAsUser: integer('User and group of the processes; 0: the platform chooses (OpenShift)', 10_001, 0, 2_000_000_000),
  annotations: annotations('Annotations of the workload'),
  podLabels: labels('Labels of the pods'),
  podAnnotations: annotations('Annotations of the pods'),
  extraEnv: kube<k8s.EnvVar[]>(
    '[]EnvVar',
    'More environment variables',
    [],
    [[{ name: 'NODE_OPTIONS', value: '--max-old-space-size=200' }]],
  ),
  extraEnvFrom: kube<k8s.EnvFromSource[]>(
    '[]EnvFromSource',
    'More environment variables, from ConfigMaps and Secrets',
    [],
    [[{ secretRef: { name: 'more' } }]],
  ),
  extraVolumes: kube<k8s.Volume[]>('[]Volume', 'More volumes', [], [[{ name: 'more', configMap: { name: 'more' } }]]),
  extraVolumeMounts: kube<k8s.VolumeMount[]>(
    '[]VolumeMount',
    'Their mounts in the container',
    [],
    [[{ name: 'more', mountPath: '/more' }]],
  ),
  sidecars: kube<k8s.Container[]>(
    '[]Container',
    'More containers',
    [],
    [[{ name: 'shipper', image: 'shipper:1', args: ['--format', '{{ .Line }}'] }]],
  ),
  initContainers: kube<k8s.Container[]>(
    '[]Container',
    'Containers that run before the others',
    [],
    [[{ name: 'wait', image: 'wait:1' }]],
  ),
};

export { advanced } from './advanced.ts';

export const logFile = (command: readonly string[]) =>
  section('Log also to a file on a shared volume, for a sidecar that ships it', {
    enabled: flag('Write the file', false),
    directory: pattern(
      'Its folder, in all containers of the pod',
      'a full path',
      '^/[A-Za-z0-9_./-]+$',
      '/var/log/streamspace',
      ['/logs'],
    ),
    sizeLimit: pattern(
      'Size of the volume; the pod is evicted beyond it',
      'an amount such as 512Mi',
      '^[0-9]+(Mi|Gi)$',
      '512Mi',
      ['1Gi'],
    ),
    command: list('Command of the image', command, [['node', '/elsewhere/{{ x }}.js']]),
    sidecar: open<Readonly<Record<string, unknown>>>(
      'The container that ships it: name, image and so on; the chart adds the volume',
      {},
      [
        {
          name: 'shipper',
          image: 'fluent/fluent-bit:4.0',
          args: ['-i', 'tail', '-p', 'path=/var/log/streamspace/*.log', '-o', 'stdout'],
        },
      ],
      { propertyNames: { not: { pattern: '^volumeMounts$' } } },
    ),
  });

export const probe = (what: string, periodSeconds: number, failureThreshold: number) =>
  section(what, {
    initialDelaySeconds: integer('First probe, in seconds after the start', 0, 0, 3600),
    periodSeconds: integer('Time between two probes, in seconds', periodSeconds, 1, 3600),
    timeoutSeconds: integer('Longest wait for an answer, in seconds', 3, 1, 3600),
    failureThreshold: integer('Number of consecutive failures', failureThreshold, 1, 1000),
  });

export const probes = () =>
  section('Probes', {
    startup: probe('Startup', 1, 60),
    liveness: probe('Liveness', 10, 3),
    readiness: probe('Readiness', 5, 2),
  });

export const secretKeyName = (description: string, key: string) =>
  pattern(description, 'a key of a Secret', '^[-._a-zA-Z0-9]+$', key, ['other']);

export const secretKey = (description: string, key: string) =>
  section(description, {
    name: objectName('Name of the Secret; empty: none'),
    key: secretKeyName('Key in it', key),
  });

export const pullSecrets = names(
  'Names of the Secrets with registry credentials, as texts or as {name: …}',
  'the name of a Secret, registry or {name: registry}',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
  [['registry'], [{ name: 'registry' }, 'other']],
);
