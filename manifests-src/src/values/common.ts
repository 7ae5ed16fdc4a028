import type { k8s } from 'cdk8s-plus-28';
import Type from 'typebox';
import { CIDR as ADDRESSES } from '@streamspace/settings';
import {
  annotations,
  choice,
  flag,
  kube,
  labelName,
  labels,
  list,
  objectName,
  open,
  pattern,
  port,
  section,
  string,
} from './kinds.ts';
import { pullSecrets, registry, secretKey } from './workload.ts';

/** Values that both charts have at their root. */

const CIDR = { pattern: `^(${ADDRESSES})$`, takes: 'a block of addresses such as 10.0.0.0/8 or fd00::/8' };

/** At the root: other keys are refused, except a parent chart's condition and keys for YAML anchors. */
export const root = { additionalProperties: false, passes: '^(enabled|x-.+)$' } as const;

export const naming = {
  nameOverride: labelName('Replaces the chart’s name in names and labels'),
  fullnameOverride: pattern(
    'Replaces release and chart name in the names of objects',
    'a name of lower case letters, digits and dashes that starts with a letter, at most 63',
    '^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$',
    '',
    ['some-name'],
  ),
  commonLabels: labels('Labels of every object'),
  commonAnnotations: annotations('Annotations of every object'),
  imagePullSecrets: pullSecrets,
};

/** Open to other charts’ keys, as Helm requires. */
export const global = Type.Object(
  {
    imageRegistry: registry(
      'Registry of all images, and of session images that name none',
      'registry.example.com:5000',
    ),
    imagePullSecrets: pullSecrets,
  },
  { description: 'Shared with parent and sibling charts, which may have other keys here', additionalProperties: true },
);

export const argocd = section('Argo CD', {
  syncWaves: flag('Annotate objects so that Argo CD applies them in order', false),
});

export const enrolment = section(
  'The enrolment token of the agents, in a Secret that hub and agents share; a hub of this release makes a missing one',
  {
    existingSecret: secretKey('An existing Secret', 'token'),
    token: pattern(
      'The token itself, at least 32 characters, e.g. of `openssl rand -base64 32`; the chart makes a Secret with it',
      'at least 32 characters without spaces',
      '^[!-~]{32,}$',
      '',
      ['0123456789abcdef{{0123456789}}"\'x'],
    ),
  },
);

export const ca = section('Private certificate authorities, trusted in addition to the public ones', {
  existingConfigMap: objectName('ConfigMap that holds them'),
  existingSecret: objectName('Secret that holds them, e.g. of cert-manager; this or the ConfigMap'),
  key: pattern('Key in it', 'a key of a ConfigMap', '^[-._a-zA-Z0-9]+$', 'ca.crt', ['bundle.pem']),
  pem: string('The certificates themselves (PEM); the chart makes a ConfigMap with them', '', [
    '-----BEGIN CERTIFICATE-----\nMIIB{{ not a template }}\n-----END CERTIFICATE-----\n',
  ]),
  pinned: flag('Agents accept only these authorities for the control plane', false),
});

/** Rules that a user adds to those of a policy. */
function extraRules() {
  return {
    extraIngress: kube<k8s.NetworkPolicyIngressRule[]>(
      '[]NetworkPolicyIngressRule',
      'More ingress rules',
      [],
      [[{ from: [{ namespaceSelector: { matchLabels: { team: 'ops' } } }], ports: [{ port: 8080 }] }] as never],
    ),
    extraEgress: kube<k8s.NetworkPolicyEgressRule[]>(
      '[]NetworkPolicyEgressRule',
      'More egress rules',
      [],
      [[{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ protocol: 'TCP', port: 8443 }] }] as never],
    ),
  };
}

export const networkPolicy = section('NetworkPolicies: only required traffic passes', {
  enabled: flag('Make them', true),
  preset: choice(
    'API server and DNS by distribution: generic is 443 and 6443, and kube-system; openshift has another DNS, microk8s listens on 16443, minikube on 8443',
    ['generic', 'openshift', 'microk8s', 'minikube'],
    'generic',
  ),
  apiServer: section('The Kubernetes API server, with the addresses and ports behind its Service', {
    cidrs: list('Its addresses; empty: any address, on its ports only', [], [['10.0.0.1/32', '10.0.0.2/32']], CIDR),
    ports: open<number[]>('Its ports; empty: those of the preset', [], [[7443]]),
  }),
  dns: section('The cluster’s DNS', {
    namespace: labelName('Its namespace; empty: the preset’s', '', ['dns']),
    nodeLocal: flag('Allow requests to a cache on the node too (NodeLocal DNSCache, 169.254.20.10)', true),
    cidrs: list('More addresses, e.g. of a node-local cache', [], [['169.254.20.10/32']], CIDR),
  }),
  controlPlane: section('A control plane outside of this release', {
    cidrs: list('Its addresses; empty: any address, on the port of its URL only', [], [['192.0.2.0/24']], CIDR),
  }),
  store: section('A Valkey or Redis outside of this release', {
    cidrs: list('Its addresses; empty: any address, on its ports only', [], [['192.0.2.7/32']], CIDR),
    ports: open<number[]>(
      'Its ports; empty: those of redis.external.url; if a Secret holds the URL 6379, 6380 and 26379',
      [],
      [[7000]],
    ),
  }),
  proxy: section('Proxies for outgoing connections (k8sAgent.config.proxy)', {
    cidrs: list('Their addresses; empty: any address, on their ports only', [], [['192.0.2.9/32']], CIDR),
    ports: open<number[]>(
      'Their ports; empty: those of their URLs; if a Secret holds the URLs 3128 and 8080',
      [],
      [[8888]],
    ),
  }),
  api: section('The hub’s', extraRules()),
  agent: section('The agent’s', extraRules()),
  redis: section('The installed Valkey’s', extraRules()),
  metrics: section('Pods that may scrape metrics', {
    namespaces: list('Namespaces; empty: any pod of the cluster', [], [['monitoring']], {
      pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
    }),
  }),
  sessions: section('Session pods', {
    egress: choice(
      'Destinations of sessions: internet excludes private addresses and cloud metadata, all is everything, none is nothing',
      ['internet', 'all', 'none'],
      'internet',
    ),
    ipv6: flag('Allow the internet over IPv6 too, if pods have such addresses', false),
    cidrs: list('More destinations of sessions, which also allow DNS', [], [['10.9.0.0/16']], CIDR),
    ...extraRules(),
  }),
});

export const monitoring = {
  labels: labels('Labels by which Prometheus selects these objects'),
  interval: pattern('Time between two scrapes', 'a duration such as 30s', '^[0-9]{1,6}(ms|s|m|h)$', '30s', ['15s']),
  scrapeTimeout: pattern(
    'Longest wait for an answer; empty: Prometheus’s default',
    'a duration such as 10s',
    '^[0-9]{1,6}(ms|s|m|h)$',
    '',
    ['9s'],
  ),
  relabelings: open<Record<string, unknown>[]>(
    'Relabelings of targets',
    [],
    [[{ action: 'labeldrop', regex: 'pod_template_hash' }]],
  ),
  metricRelabelings: open<Record<string, unknown>[]>(
    'Relabelings of samples',
    [],
    [[{ action: 'drop', sourceLabels: ['__name__'], regex: 'nodejs_.*' }]],
  ),
  tlsConfig: open<Record<string, unknown>>(
    'TLS, if a mesh or proxy of yours is in front of the port; the scheme is then https',
    {},
    [{ insecureSkipVerify: true }],
  ),
};

export const extraObjects = kube<Record<string, unknown>[]>(
  '[]Manifest',
  'More objects, unchanged; a text is a template, which only Helm renders',
  [],
  [
    [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'more' },
        data: { on: 'on', mode: '0777', text: '{{ not a template }}\n' },
      },
    ],
  ],
);

export const quota = section('ResourceQuota of the sessions’ namespace', {
  enabled: flag('Make one', false),
  hard: kube<Readonly<Record<string, string>>>(
    '{}quantity',
    'Its limits',
    { pods: '120', 'requests.cpu': '100', 'requests.memory': '200Gi', persistentvolumeclaims: '200' },
    [{ pods: '10', services: '10' }],
  ),
});

export { port };
