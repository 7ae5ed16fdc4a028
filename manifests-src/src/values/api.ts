import type { k8s } from 'cdk8s-plus-28';
import { QuotaEntry, SignInProvider, Template } from '@streamspace/protocol';
import { CIDR, HUB } from '@streamspace/settings';
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
  open,
  pattern,
  port,
  section,
} from './kinds.ts';
import type { DocumentSchema } from './documents.ts';
import * as workload from './workload.ts';

/** As the hub reads them. */
const TEMPLATE = Template as DocumentSchema;
const PROVIDER = SignInProvider as unknown as DocumentSchema;
const QUOTA = QuotaEntry as unknown as DocumentSchema;

const HOST = '^([a-z0-9*]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

const gatewayDuration = (description: string) =>
  pattern(
    `${description}; empty: the Gateway’s default`,
    'a duration such as 1h or 90s',
    '^([0-9]{1,5}(h|m|s|ms)){1,4}$',
    '',
    ['0s', '24h'],
  );

/** Values of the hub. */
export const api = section('The control plane (hub)', {
  enabled: flag('Install it', true),
  replicaCount: integer('Replicas; more than one needs redis; not used with autoscaling', 1, 0, 100),
  image: workload.image('streamspace/api'),
  config: section('Configuration of the hub', {
    publicUrl: fromSetting(HUB.publicUrl),
    allowedOrigins: fromSetting(HUB.allowedOrigins),
    trustedProxies: fromSetting(HUB.trustedProxies, {
      description:
        'Networks of the proxies in front, whose X-Forwarded-For and -Proto the hub trusts; empty: the private networks with ingress or httpRoute, none without',
    }),
    heartbeatInterval: fromSetting(HUB.heartbeatInterval),
    commandTimeout: fromSetting(HUB.commandTimeout),
    ticketTtl: fromSetting(HUB.ticketTtl),
    drainTimeout: fromSetting(HUB.drainTimeout),
    pingInterval: fromSetting(HUB.hubPingInterval),
    handshakeRate: fromSetting(HUB.handshakeRate),
    rateLimit: fromSetting(HUB.rateLimit),
    templates: documents<Template>('More session templates; they replace built-in ones of the same id', TEMPLATE, [
      [
        {
          id: 'desktop-de',
          name: 'Schreibtisch <1> & "2"',
          description: 'Ein {{ Schreibtisch }}',
          platforms: ['kubernetes'],
          image: 'streamspace/desktop:1',
          cpu: 0.5,
          memory: 1_073_741_824,
          storage: 0,
          env: { X: '{{ x }}' },
        },
      ],
    ]),
    quotas: documents<QuotaEntry>(
      'Limits of what the sessions of a user may use (docs/quotas.md): entries for a user, for a group, or for everybody',
      QUOTA,
      [
        [
          { running: 2, cpu: 1.5, memory: 1_073_741_824 },
          { user: 'A <1> & "2" {{ x }}', sessions: 0 },
        ],
      ],
    ),
    log: section('Log', { level: fromSetting(HUB.logLevel), format: fromSetting(HUB.logFormat) }),
  }),
  auth: section('Users’ tokens (JWT): a shared secret, which the hub makes if it is missing, or an issuer’s key set', {
    existingSecret: workload.secretKey('Secret with the shared secret', 'jwt-secret'),
    secret: pattern(
      'The shared secret itself, at least 32 characters; the chart makes a Secret with it. During a rotation: the new one, a comma, the former one',
      'at least 32 characters',
      '^[!-~]{32,}$',
      '',
      ['fedcba9876543210{{fedcba98}}"\'y'],
    ),
    jwksUrl: fromSetting(HUB.jwtJwksUrl, { description: 'Key set of the issuer; this or the secret' }),
    issuer: fromSetting(HUB.jwtIssuer, { description: '`iss` that tokens must have; required with jwksUrl' }),
    audience: fromSetting(HUB.jwtAudience, { description: '`aud` that tokens must have; required with jwksUrl' }),
    maxAge: fromSetting(HUB.jwtMaxAge),
  }),
  signIn: section('Sign-in of people by OpenID Connect (docs/sign-in.md); needs config.publicUrl', {
    providers: documents<SignInProvider>('Providers; without any, users sign in with tokens', PROVIDER, [
      [
        {
          id: 'company',
          name: 'Die <Firma> & "Co" {{ x }}',
          issuer: 'https://login.example.com/realms/main',
          client_id: 'streamspace',
          scopes: ['profile', 'email', 'groups'],
          claims: { groups: 'realm_access.roles' },
          user_prefix: '',
          roles: [{ role: 'admin', claim: 'groups', values: ['ops'] }, { role: 'user' }],
        },
      ],
    ]),
    existingSecret: workload.secretKey(
      'Secret with the client secrets: provider-id=secret, separated by commas',
      'client-secrets',
    ),
    lifetime: fromSetting(HUB.signInLifetime),
    idle: fromSetting(HUB.signInIdle),
  }),
  audit: section('The audit log (docs/audit.md)', {
    retention: fromSetting(HUB.auditRetention),
    entries: fromSetting(HUB.auditEntries),
  }),
  peers: section(
    'Secret of the hub replicas; by default derived from the tokens’ secret, with auth.jwksUrl made by the hub',
    {
      existingSecret: workload.secretKey('Secret with it', 'peer-secret'),
      secret: pattern(
        'The secret itself, at least 32 characters; the chart makes a Secret with it',
        'at least 32 characters',
        '^[!-~]{32,}$',
        '',
        ['abcdef0123456789{{abcdef01}}"\'z'],
      ),
    },
  ),
  agentTokens: section('Enrolment tokens of single agents (AGENT_ENROLMENT_TOKENS)', {
    existingSecret: workload.secretKey('Secret with them', 'agent-tokens'),
  }),
  service: section('Service', {
    type: choice('Type', ['ClusterIP', 'NodePort', 'LoadBalancer'], 'ClusterIP'),
    port: port('Port of the Service', 80),
    nodePort: integer('Port on every node, for NodePort and LoadBalancer; 0: any free one', 0, 0, 32_767),
    annotations: annotations('Annotations'),
    labels: labels('Labels'),
    loadBalancerClass: pattern(
      'Class of the load balancer; empty: the cluster’s default',
      'a class such as service.k8s.aws/nlb',
      '^([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
      '',
      ['service.k8s.aws/nlb'],
    ),
    loadBalancerSourceRanges: list('Client addresses that a load balancer admits; empty: any', [], [['192.0.2.0/24']], {
      pattern: `^(${CIDR})$`,
      takes: 'a block of addresses such as 10.0.0.0/8 or fd00::/8',
    }),
    externalTrafficPolicy: choice('External traffic policy; empty: Cluster', ['', 'Cluster', 'Local'], ''),
    ipFamilyPolicy: choice(
      'One family of addresses or both; empty: the cluster’s default',
      ['', 'SingleStack', 'PreferDualStack', 'RequireDualStack'],
      '',
    ),
    ipFamilies: list('Families, the first one first; empty: the cluster’s default', [], [['IPv6', 'IPv4']], {
      pattern: '^IPv[46]$',
    }),
    sessionAffinity: choice('Whether a client stays with a replica; none has to', ['None', 'ClientIP'], 'None'),
  }),
  ingress: section('Ingress', {
    enabled: flag('Make one', false),
    className: objectName('IngressClass; empty: the cluster’s default', '', ['nginx']),
    annotations: annotations('Annotations; WebSockets may need long timeouts'),
    hosts: list('Host names (required)', [], [['hub.example.com', 'on.example.com']], { pattern: HOST }),
    path: pattern('Path prefix; /: that of config.publicUrl', 'a path', '^/[^ ]*$', '/', ['/streamspace']),
    tlsSecret: objectName('Secret with the certificate of all hosts; empty: no TLS, or the certificates in tls'),
    tls: kube<k8s.IngressTls[]>(
      '[]IngressTls',
      'Certificates by host; overrides tlsSecret',
      [],
      [
        [
          { secretName: 'a', hosts: ['hub.example.com'] },
          { secretName: 'b', hosts: ['on.example.com'] },
        ],
      ],
    ),
    extraPaths: kube<k8s.HttpIngressPath[]>(
      '[]HttpIngressPath',
      'Paths of every host that precede the hub’s',
      [],
      [[{ path: '/help', pathType: 'Prefix', backend: { service: { name: 'help', port: { number: 80 } } } }]],
    ),
    labels: labels('Labels'),
  }),
  httpRoute: section('Gateway API HTTPRoute', {
    enabled: flag('Make one', false),
    parentRefs: open<Record<string, unknown>[]>(
      'Gateways of the route (required)',
      [],
      [[{ name: 'public', namespace: 'gateways', sectionName: 'https' }]],
    ),
    hostnames: list('Host names', [], [['hub.example.com']], { pattern: HOST }),
    annotations: annotations('Annotations'),
    labels: labels('Labels'),
    timeouts: section(
      'Longest duration of a request; each screen and each agent is one request, so set 0s (no limit) or a long time',
      {
        request: gatewayDuration('The whole request'),
        backendRequest: gatewayDuration('The hub’s part'),
      },
    ),
  }),
  autoscaling: section('HorizontalPodAutoscaler', {
    enabled: flag('Make one, which then sets the number of replicas', false),
    minReplicas: integer('Fewest replicas', 2, 1, 100),
    maxReplicas: integer('Most replicas', 5, 1, 1000),
    cpu: integer('Target CPU use, in percent of the request', 70, 1, 1000),
    memory: integer('Target memory use, in percent of the request; 0: ignored', 0, 0, 1000),
    behavior: kube<k8s.HorizontalPodAutoscalerBehaviorV2>(
      'HorizontalPodAutoscalerBehaviorV2',
      'Speed of scaling up and down',
      {},
      [{ scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } }],
    ),
    metrics: kube<k8s.MetricSpecV2[]>(
      '[]MetricSpecV2',
      'More metrics',
      [],
      [
        [
          {
            type: 'Pods',
            pods: {
              metric: { name: 'streamspace_hub_agent_links' },
              target: { type: 'AverageValue', averageValue: '500' },
            },
          },
        ] as never,
      ],
    ),
  }),
  pdb: workload.disruption(true),
  serviceAccount: workload.serviceAccount('the api’s name'),
  resources: workload.resources(
    { cpu: '100m', memory: '192Mi', 'ephemeral-storage': '64Mi' },
    { cpu: '2', memory: '512Mi', 'ephemeral-storage': '256Mi' },
  ),
  probes: workload.probes(),
  logFile: workload.logFile(['node', 'dist/hub.js']),
  terminationGracePeriodSeconds: integer('Longest duration of a stop, in seconds', 60, 1, 3600),
  ...workload.extras,
  ...workload.scheduling,
  advanced: workload.advanced(),
});
