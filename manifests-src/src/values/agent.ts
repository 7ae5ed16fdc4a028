import type { k8s } from 'cdk8s-plus-28';
import { Template } from '@streamspace/protocol';
import { AGENT, TEMPLATE_ENV } from '@streamspace/settings';
import {
  annotations,
  choice,
  documents,
  flag,
  fromSetting,
  integer,
  kube,
  labels,
  list,
  objectName,
  section,
} from './kinds.ts';
import type { DocumentSchema } from './documents.ts';
import * as workload from './workload.ts';

/** The part of a template that the agent reads; the rest is for the control plane. */
const WARM = withVariables({ ...(Template as DocumentSchema), required: ['id'] });

/** With the variables of a template's env that the agent reads itself. */
function withVariables(template: DocumentSchema): DocumentSchema {
  const variables = Object.entries(TEMPLATE_ENV).map(([name, { written, takes }]): [string, DocumentSchema] => [
    name,
    { ...(written as DocumentSchema), description: takes },
  ]);
  const { properties = {} } = template;
  return {
    ...template,
    properties: { ...properties, env: { ...properties['env'], properties: Object.fromEntries(variables) } },
  };
}

type PodTemplate = Readonly<Record<string, unknown>>;

/** Values of the agent that both charts have, under different group names. */

export const identity = {
  agentId: fromSetting(AGENT.agentId),
  controlPlaneUrl: fromSetting(AGENT.controlPlaneUrl, { otherwise: 'the api of this release' }),
  platform: choice('Platform of the sessions; this chart is for agents in a cluster', ['kubernetes'], 'kubernetes'),
  region: fromSetting(AGENT.region),
  priority: fromSetting(AGENT.priority),
  namespace: fromSetting(AGENT.namespace, { default: '', otherwise: 'the release’s' }),
};

export const tuning = {
  allowInsecure: flag('Allow ws:// to a public host, without encryption', false),
  maxSessions: fromSetting(AGENT.maxSessions),
  heartbeatInterval: fromSetting(AGENT.heartbeatInterval),
  reconnectDelay: fromSetting(AGENT.reconnectDelay),
  maxReconnectDelay: fromSetting(AGENT.maxReconnectDelay),
  commandTimeout: fromSetting(AGENT.commandTimeout),
  gracefulShutdownTimeout: fromSetting(AGENT.gracefulShutdownTimeout),
  maxConcurrentOperations: fromSetting(AGENT.maxConcurrentOperations),
  session: section('Sessions', {
    imagePullPolicy: fromSetting(AGENT.sessionImagePullPolicy, { description: 'Pull policy of their images' }),
    imageRegistry: workload.registry(
      'Registry of images that name none; empty: global.imageRegistry',
      'sessions.example.com/mirror',
    ),
    cpu: fromSetting(AGENT.sessionDefaultCpu, { description: 'CPU of sessions whose template names none' }),
    memory: fromSetting(AGENT.sessionDefaultMemory, { description: 'Memory of sessions whose template names none' }),
    storage: fromSetting(AGENT.sessionDefaultStorage),
    storageClass: fromSetting(AGENT.sessionStorageClass, {
      description: 'Storage class of homes',
      otherwise: 'the cluster’s default',
    }),
    serviceType: fromSetting(AGENT.sessionServiceType, { description: 'Type of their Services' }),
    podTemplate: kube<PodTemplate>(
      'PodTemplate',
      'A pod merged with every session pod: metadata and spec, or parts of them',
      {},
      [
        {
          metadata: { labels: { team: 'desktops' }, annotations: { 'example.com/note': '{{ x }}' } },
          spec: {
            nodeSelector: { pool: 'sessions' },
            automountServiceAccountToken: null,
            containers: [
              {
                name: 'session',
                env: [{ name: 'A', value: '<{{ x }}> & "y"' }],
                volumeMounts: [{ mountPath: '/tmp', readOnly: true }],
                resources: { limits: { cpu: null } },
              },
              { name: 'desktop', image: 'desktop:1', resources: { limits: { cpu: '1' } } },
            ],
          },
        },
        {
          spec: {
            imagePullSecrets: [{ name: 'more-images' }, { $patch: 'delete', name: 'others' }],
            containers: [
              {
                name: 'session',
                env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'licences', key: '"secretName":"a"' } } }],
                envFrom: [{ secretRef: { name: 'licences' } }, { secretRef: { name: '"], "' } }, { secretRef: null }],
              },
            ],
            volumes: [
              { name: 'a', secret: { secretName: 'certificates' } },
              { name: 'b', projected: { sources: [{ secret: { name: 'fonts.v2' } }] } },
              { name: 'c', csi: { driver: 'files.example.com', nodePublishSecretRef: { name: 'files' } } },
            ],
          },
        },
      ],
    ),
    warmPool: documents<Partial<Template>>(
      'Templates with pods kept ready: in the control plane’s form, with the number of pods as warm',
      WARM,
      [
        [
          {
            id: 'kiosk',
            image: 'streamspace/desktop:1',
            cpu: 1,
            memory: 1_073_741_824,
            env: { STREAMSPACE_HOME: 'none', X: '{{ x }} & "y"' },
            warm: 2,
          },
        ],
      ],
    ),
    idleTimeout: fromSetting(AGENT.sessionIdleTimeout, { otherwise: 'never' }),
  }),
  vnc: section('Screens', {
    port: fromSetting(AGENT.vncPort),
    tunnelTimeout: fromSetting(AGENT.vncTunnelTimeout),
    bufferSize: fromSetting(AGENT.vncBufferSize),
  }),
  log: section('Log', { level: fromSetting(AGENT.logLevel), format: fromSetting(AGENT.logFormat) }),
  proxy: section('Proxy for connections to the control plane', {
    https: fromSetting(AGENT.httpsProxy),
    http: fromSetting(AGENT.httpProxy),
    existingSecret: section('A Secret with these URLs, if they contain credentials', {
      name: objectName('Name of the Secret; empty: none'),
      httpsKey: workload.secretKeyName('Key of the URL for wss://', 'https-proxy'),
      httpKey: workload.secretKeyName('Key of the URL for ws://; empty: none', ''),
    }),
    none: fromSetting(AGENT.noProxy),
  }),
};

export const ha = section('High availability: replicas elect a leader, and only the leader connects', {
  enabled: fromSetting(AGENT.enableHa, { description: 'Elect a leader; required for more than one replica' }),
  leaseName: objectName(
    'Name of the Lease; empty: k8s-agent-leader-election for a release called streamspace, otherwise prefixed with the release’s name',
    '',
    ['other-lease'],
  ),
  leaseDuration: fromSetting(AGENT.leaseDuration),
  renewDeadline: fromSetting(AGENT.leaseRenewDeadline),
  retryPeriod: fromSetting(AGENT.leaseRetryPeriod),
  createLease: flag(
    'Let kubectl or Helm make the Lease (otherwise the agent makes it; Argo CD never syncs a Lease)',
    false,
  ),
});

export const rbac = {
  create: flag('Make Roles and their bindings', true),
  configMaps: flag('Allow session templates to name ConfigMaps, which the agent reads', false),
  secrets: flag('Allow session templates to name Secrets, which the agent reads', false),
  extraRules: kube<k8s.PolicyRule[]>(
    '[]PolicyRule',
    'More rules in the sessions’ namespace',
    [],
    [[{ apiGroups: ['snapshot.storage.k8s.io'], resources: ['volumesnapshots'], verbs: ['get', 'create'] }]],
  ),
};

const secretNames = (description: string) =>
  list(description, [], [['some-secret']], {
    pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$',
    takes: 'the name of a Secret',
  });

export const admissionPolicy = section(
  'Restrict the pods that the agent may make (a cluster-wide ValidatingAdmissionPolicy; Kubernetes ≥ 1.30)',
  {
    enabled: flag(
      'Accept only session pods: no Secret except the template’s, no ServiceAccount, nothing of the node, no privilege',
      false,
    ),
    secrets: secretNames('More Secrets that session pods may use, in addition to those in session.podTemplate'),
    pullSecrets: secretNames('More Secrets for pulling images, such as those of the ServiceAccount default'),
  },
);

export const sessionNamespace = section('The sessions’ namespace, if it is not the release’s', {
  create: flag('Make it', false),
  podSecurity: choice('Pod Security level of its pods', ['restricted', 'baseline', 'privileged'], 'restricted'),
});

export const metrics = section('Prometheus metrics', {
  enabled: fromSetting(AGENT.metricsEnabled),
  port: fromSetting(AGENT.metricsPort),
});

export const agentWorkload = {
  image: workload.image('streamspace/agent'),
  serviceAccount: workload.serviceAccount('the agent’s name'),
  resources: workload.resources(
    { cpu: '50m', memory: '192Mi', 'ephemeral-storage': '64Mi' },
    { cpu: '1', memory: '256Mi', 'ephemeral-storage': '256Mi' },
  ),
  probes: workload.probes(),
  pdb: workload.disruption(true),
  logFile: workload.logFile(['node', 'dist/agent.js']),
  terminationGracePeriodSeconds: integer(
    'Longest duration of a stop, in seconds; longer than gracefulShutdownTimeout',
    45,
    1,
    3600,
  ),
  service: section('Its Service', { annotations: annotations('Annotations'), labels: labels('Labels') }),
  ...workload.extras,
  advanced: workload.advanced(),
};
