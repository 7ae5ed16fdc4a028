import type { k8s } from 'cdk8s-plus-28';
import { HOST_PORT } from '@streamspace/settings';
import {
  annotations,
  choice,
  duration,
  flag,
  integer,
  kube,
  labelName,
  labels,
  list,
  objectName,
  open,
  pattern,
  port,
  quantity,
  section,
  string,
} from './kinds.ts';
import * as workload from './workload.ts';

/** Values of the agent that both charts have, whatever the group is called. */

export const AGENT_ID = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
const WS_URL = `^wss?://${HOST_PORT}(/[^ ]*)?$`;

export const identity = {
  agentId: pattern(
    'Who this agent is to the control plane (required); the same for all replicas',
    'lower case letters, digits and dashes, at most 63',
    AGENT_ID,
    '',
    ['eu-1'],
  ),
  controlPlaneUrl: pattern(
    'ws:// or wss:// URL of the control plane; empty: the api of this release',
    'a WebSocket URL, wss://host',
    WS_URL,
    '',
    ['wss://hub.example.com', 'wss://[fd00::1]:8443'],
  ),
  platform: choice('Where sessions run; this chart is for agents in a cluster', ['kubernetes'], 'kubernetes'),
  region: string('Region, for placement', '', ['eu-west-1', 'on', '0777', '"quoted" {{ x }}']),
  priority: choice('Agents of high priority are given sessions first', ['high', 'normal', 'low'], 'normal'),
  namespace: labelName('Namespace of the sessions; empty: the release’s'),
};

export const tuning = {
  allowInsecure: flag('Allow ws:// to a public host: everything in clear on the way', false),
  maxSessions: integer('Sessions that this agent offers to run', 100, 0, 10_000),
  heartbeatInterval: duration('Longest time between heartbeats', '30s', ['7s']),
  reconnectDelay: duration('Base of the backoff', '5s', ['1s']),
  maxReconnectDelay: duration('Cap of the backoff', '5m', ['6m']),
  commandTimeout: duration('An operation that takes longer is aborted', '5m', ['4m']),
  gracefulShutdownTimeout: duration(
    'How long operations in flight may take at a stop, where no other replica goes on with them',
    '30s',
    ['10s'],
  ),
  maxConcurrentOperations: integer('Commands that run at the same time', 10, 1, 1000),
  session: section('Sessions', {
    imagePullPolicy: choice('When their images are pulled', ['IfNotPresent', 'Always', 'Never'], 'IfNotPresent'),
    imageRegistry: workload.registry(
      'Registry of images that name none; empty: global.imageRegistry',
      'sessions.example.com/mirror',
    ),
    cpu: pattern(
      'CPU of those whose template asks for none',
      'an amount such as 500m or 2',
      '^[0-9]{1,6}(\\.[0-9]{1,3})?m?$',
      '1000m',
      ['2'],
    ),
    memory: quantity('Memory of those whose template asks for none', '2Gi'),
    storage: quantity('Size of a home', '10Gi', ['20Gi']),
    storageClass: objectName('Storage class of homes; empty: the cluster’s default', '', ['fast']),
    serviceType: choice('Their Services', ['ClusterIP', 'NodePort', 'LoadBalancer'], 'ClusterIP'),
    podTemplate: open<Readonly<Record<string, unknown>>>('A pod that session pods are merged into', {}, [
      {
        spec: {
          nodeSelector: { pool: 'sessions' },
          containers: [{ name: 'desktop', env: [{ name: 'A', value: '<{{ x }}> & "y"' }] }],
        },
      },
    ]),
    warmPool: open<Record<string, unknown>[]>(
      'Templates of which pods are kept ready: as those of the control plane, each with warm, how many',
      [],
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
    idleTimeout: duration(
      'A session in which nobody typed or moved the mouse for so long is hibernated; empty: never',
      '',
      ['45m'],
    ),
  }),
  vnc: section('Screens', {
    port: port('Port of a session’s VNC server', 5900),
    tunnelTimeout: duration('A screen without a byte for so long is closed', '1h', ['2h']),
    bufferSize: integer('Bytes read ahead of a screen whose viewer is slow', 8192, 1024, 1_048_576),
  }),
  log: section('Log', {
    level: choice(
      'Least severe that is written',
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'info',
    ),
    format: choice('One JSON object a line, or lines for people', ['json', 'text'], 'json'),
  }),
  proxy: section('Proxy on the way to the control plane', {
    https: pattern('For wss://', 'http://host:port', '^https?://[^ ]+$', '', ['http://proxy.example.com:3128']),
    http: pattern('For ws://', 'http://host:port', '^https?://[^ ]+$', '', ['http://proxy.example.com:3128']),
    existingSecret: section('A Secret with these URLs, where they have credentials', {
      name: objectName('Name of the Secret; empty: none'),
      httpsKey: workload.secretKeyName('Key of the URL for wss://', 'https-proxy'),
      httpKey: workload.secretKeyName('Key of the URL for ws://; empty: none', ''),
    }),
    none: list('Hosts that are reached directly', [], [['.svc', '10.0.0.0/8']]),
  }),
};

export const ha = section('High availability: replicas elect a leader, and only it connects', {
  enabled: flag('Elect a leader; needed for more than one replica', false),
  leaseName: objectName(
    'The Lease; empty: k8s-agent-leader-election for a release called streamspace, else with the release’s name before it',
    '',
    ['other-lease'],
  ),
  leaseDuration: duration('A lease that was not renewed for so long is free', '4s', ['15s']),
  renewDeadline: duration('A leader that could not renew for so long lost it', '3s', ['5s']),
  retryPeriod: duration('How often it is renewed, or looked at', '1250ms', ['2s']),
  createLease: flag(
    'Have kubectl or Helm make the Lease (the agent makes it itself otherwise; Argo CD never syncs a Lease)',
    false,
  ),
});

export const rbac = {
  create: flag('Make Roles and their bindings', true),
  configMaps: flag('Let sessions’ templates name ConfigMaps: the agent reads them', false),
  secrets: flag('Let sessions’ templates name Secrets: the agent reads them', false),
  extraRules: kube<k8s.PolicyRule[]>(
    '[]PolicyRule',
    'More rules in the sessions’ namespace',
    [],
    [[{ apiGroups: ['snapshot.storage.k8s.io'], resources: ['volumesnapshots'], verbs: ['get', 'create'] }]],
  ),
};

export const sessionNamespace = section('The sessions’ namespace, where it is not the release’s', {
  create: flag('Make it', false),
  podSecurity: choice(
    'Pod Security level that its pods must keep',
    ['restricted', 'baseline', 'privileged'],
    'restricted',
  ),
});

export const metrics = section('Prometheus metrics', {
  enabled: flag('Serve /metrics', true),
  port: port('Port', 9090),
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
    'How long a stop may take, in seconds; longer than gracefulShutdownTimeout',
    45,
    1,
    3600,
  ),
  service: section('Its Service', { annotations: annotations('Annotations'), labels: labels('Labels') }),
  ...workload.extras,
  advanced: workload.advanced(),
};
