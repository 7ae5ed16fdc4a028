import type { k8s } from 'cdk8s-plus-28';
import { and, eq, given, missing, ne, not, or, release } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { each, spread, type Tree, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { HEALTH_PORT, namespaceOfSessions } from './agent-env.ts';
import type { AgentValues } from './agent-view.ts';
import { HTTP_PORT, HUB_METRICS_PORT } from './api-env.ts';
import { type Base, type Component, PART_OF, WAVES } from './base.ts';
import { inNamespace, scrapers, tcp, toAddresses, toApiServer, toDns, toProxies, toStore, webPort } from './network.ts';
import { madeSecrets } from './made-secrets.ts';
import { type ReleaseObject, resource } from './resource.ts';
import { storeChoice } from './store.ts';

/** Addresses of private networks, and of the clouds' metadata services with a machine's credentials. */
const PRIVATE = [
  '10.0.0.0/8',
  // Alibaba's metadata (100.100.100.200) among them
  '100.64.0.0/10',
  // Azure's host: metadata, and more
  '168.63.129.16/32',
  // metadata of most clouds, credentials of pods and containers
  '169.254.0.0/16',
  '172.16.0.0/12',
  // Oracle's metadata (192.0.0.192) among them
  '192.0.0.0/24',
  '192.168.0.0/16',
];
/** Metadata at fd00:ec2::254 (AWS) and fd20:ce::254 (Google) is among the first; the rest leads back to IPv4. */
const PRIVATE_6 = ['fc00::/7', 'fe80::/10', '::ffff:0:0/96', '2002::/16', '64:ff9b::/96', '64:ff9b:1::/48'];

type Spec = Tree<k8s.NetworkPolicySpec>;

function policy(
  base: Base,
  file: string,
  only: Expr<boolean>,
  component: Component,
  suffix: string,
  spec: Spec,
  namespace?: Expr<string>,
): ReleaseObject {
  return resource<k8s.KubeNetworkPolicyProps>(
    file,
    and(base.shared.networkPolicy.enabled, only),
    'networking.k8s.io/v1',
    'NetworkPolicy',
    {
      metadata: base.meta(base.object(suffix), {
        component,
        wave: WAVES.settings,
        ...(namespace === undefined ? {} : { namespace }),
      }),
      spec,
    },
  );
}

/** Test pods send requests to hub and agent, also from namespaces without outgoing traffic. */
export const testPolicy = (base: Base, only: Expr<boolean>): ReleaseObject =>
  resource<k8s.KubeNetworkPolicyProps>(
    'tests/networkpolicy.yaml',
    and(base.shared.networkPolicy.enabled, only),
    'networking.k8s.io/v1',
    'NetworkPolicy',
    {
      metadata: base.meta(base.object('test'), { wave: WAVES.settings }),
      spec: {
        podSelector: { matchLabels: base.test },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
        egress: [
          toDns(base) as never,
          {
            to: [
              { podSelector: { matchLabels: base.selector('api') } },
              { podSelector: { matchLabels: base.selector('k8s-agent') } },
            ],
            // the agent's health port is the same
            ports: [tcp(HTTP_PORT)],
          },
        ],
      },
    },
  );

/** Traffic of the agent, and traffic to sessions. */
export function agentPolicies(base: Base, view: AgentValues): ReleaseObject[] {
  const { networkPolicy } = base.shared;
  const { metrics, config } = view;
  const ownHub = view.hub === undefined ? undefined : and(view.hub.enabled, missing(config.controlPlaneUrl));
  const elsewhere = toAddresses(networkPolicy.controlPlane.cidrs, [tcp(webPort(config.controlPlaneUrl))]);
  // a hub of another release in this cluster: a policy sees the pod's port, not that of the Service in the URL
  const neighbour = {
    to: [
      {
        namespaceSelector: {},
        podSelector: { matchLabels: { 'app.kubernetes.io/name': base.name, 'app.kubernetes.io/component': 'api' } },
      },
      // for any name of that release
      { namespaceSelector: {}, podSelector: { matchLabels: { ...PART_OF, 'app.kubernetes.io/component': 'api' } } },
    ],
    ports: [tcp(HTTP_PORT)],
  };
  const sessions = { app: 'session', agent: config.agentId };
  const { egress, cidrs, ipv6 } = networkPolicy.sessions;

  return [
    // the name is not the agent's alone: by the agent's guide users apply a policy of that name, which adds to this one
    policy(base, 'agent/networkpolicy.yaml', view.enabled, 'k8s-agent', 'k8s-agent-pods', {
      podSelector: { matchLabels: base.selector('k8s-agent') },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: scrapers(base) as never, ports: [tcp(HEALTH_PORT), when(metrics.enabled, tcp(metrics.port)) as never] },
        spread(networkPolicy.agent.extraIngress) as never,
      ],
      egress: [
        toDns(base) as never,
        toApiServer(base) as never,
        (ownHub === undefined
          ? elsewhere
          : when(
              ownHub,
              { to: [{ podSelector: { matchLabels: base.selector('api') } }], ports: [tcp(HTTP_PORT)] },
              elsewhere,
            )) as never,
        (ownHub === undefined ? neighbour : when(not(ownHub), neighbour)) as never,
        toProxies(base, config.proxy) as never,
        { to: [{ namespaceSelector: inNamespace(namespaceOfSessions(view)), podSelector: { matchLabels: sessions } }] },
        spread(networkPolicy.agent.extraEgress) as never,
      ],
    }),
    policy(
      base,
      'agent/networkpolicy-sessions.yaml',
      view.enabled,
      'k8s-agent',
      'k8s-agent-sessions',
      {
        podSelector: { matchLabels: sessions },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [
              {
                namespaceSelector: inNamespace(release.namespace),
                podSelector: { matchLabels: base.selector('k8s-agent') },
              },
            ],
          },
          spread(networkPolicy.sessions.extraIngress) as never,
        ],
        egress: [
          // DNS is a way out too: a look-up can carry any data to a name's server
          when(or(ne(egress, 'none'), given(cidrs)), toDns(base) as never) as never,
          when(given(cidrs), {
            to: [each(cidrs, 'cidr', (cidr) => ({ ipBlock: { cidr: cidr.as('string') } }))],
          }) as never,
          when(eq(egress, 'all'), {}) as never,
          when(eq(egress, 'internet'), {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: PRIVATE } },
              when(ipv6, { ipBlock: { cidr: '::/0', except: PRIVATE_6 } }),
            ],
          }) as never,
          spread(networkPolicy.sessions.extraEgress) as never,
        ],
      },
      namespaceOfSessions(view),
    ),
  ];
}

/** Traffic of the hub and its store. */
export function apiPolicies(base: Base, v: Refs<StreamspaceValues>): ReleaseObject[] {
  const store = storeChoice(v);
  const { jwksUrl } = v.api.auth;
  const { providers } = v.api.signIn;
  const { networkPolicy } = v;
  const hubs = { podSelector: { matchLabels: base.selector('api') } };
  return [
    policy(base, 'api/networkpolicy.yaml', v.api.enabled, 'api', 'api', {
      podSelector: hubs.podSelector,
      policyTypes: ['Ingress', 'Egress'],
      // agents and browsers come from anywhere
      ingress: [
        { ports: [tcp(HTTP_PORT)] },
        { from: [hubs], ports: [tcp(HUB_METRICS_PORT)] },
        { from: scrapers(base) as never, ports: [tcp(HUB_METRICS_PORT)] },
        spread(networkPolicy.api.extraIngress) as never,
      ],
      egress: [
        toDns(base) as never,
        // HTTP: as long as replicas of a version without the other port may run
        { to: [hubs], ports: [tcp(HUB_METRICS_PORT), tcp(HTTP_PORT)] },
        when(store.installed, {
          to: [{ podSelector: { matchLabels: base.selector('redis') } }],
          ports: [tcp(6379)],
        }) as never,
        when(madeSecrets(base, v).any, toApiServer(base)) as never,
        when(store.external, toStore(networkPolicy.store, v.redis.external.url)) as never,
        when(given(jwksUrl), { ports: [tcp(webPort(jwksUrl))] }) as never,
        // another port of an issuer: networkPolicy.api.extraEgress
        when(given(providers), { ports: [tcp(443)] }) as never,
        spread(networkPolicy.api.extraEgress) as never,
      ],
    }),
    policy(base, 'redis/networkpolicy.yaml', and(v.api.enabled, store.installed), 'redis', 'redis', {
      podSelector: { matchLabels: base.selector('redis') },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [hubs], ports: [tcp(6379)] }, spread(networkPolicy.redis.extraIngress) as never],
      egress: when(given(networkPolicy.redis.extraEgress), networkPolicy.redis.extraEgress as never, []) as never,
    }),
  ];
}
