import type { k8s } from 'cdk8s-plus-28';
import { choose, contains, eq, find, given, matches, not, or, portsIn, startsWith, toInteger } from '../nodes/build.ts';
import { type Expr, lift } from '../nodes/expression.ts';
import { each, type Tree, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import type { Base } from './base.ts';

/** Parts of NetworkPolicies. Addresses and ports are those behind a Service. */

type Peer = Tree<k8s.NetworkPolicyPeer>;
type Port = Tree<k8s.NetworkPolicyPort>;
export type Egress = Tree<k8s.NetworkPolicyEgressRule>;

export const tcp = (port: Expr<number> | Expr<string> | number | string): Port => ({
  protocol: 'TCP',
  port: port as number,
});

/** Port of a URL: as written, otherwise its scheme's default. */
export const portOf = (url: Expr<string>, standard: Expr<number>): Expr<number> =>
  choose(matches(url, '^[a-z]+://[^/]*:[0-9]+(/|$)'), toInteger(find(find(url, ':[0-9]+(/|$)'), '[0-9]+')), standard);

export const webPort = (url: Expr<string>): Expr<number> =>
  portOf(url, choose(startsWith(url, 'wss:'), lift(443), choose(startsWith(url, 'https:'), lift(443), lift(80))));

const block = (cidr: Expr<string>): Peer => ({ ipBlock: { cidr } });

/** Addresses that the user named, otherwise any. */
export const toAddresses = (cidrs: Expr<readonly string[]>, ports: readonly unknown[]): unknown =>
  when(given(cidrs), { to: [each(cidrs, 'cidr', (cidr) => block(cidr.as('string')))], ports }, { ports });

/** One port per element of a list of numbers. */
export const tcpPorts = (ports: Expr<readonly number[]>) => each(ports, 'port', (port) => tcp(port.as('integer')));

/**
 * Ports of a store outside of this release: those that the user names, otherwise those of its URL. Sentinels name
 * the primary, whose port no URL has, and a URL in a Secret is not known here.
 */
export function toStore(store: Refs<StreamspaceValues['networkPolicy']['store']>, url: Expr<string>) {
  const written = each(portsIn(url), 'port', (port) => tcp(toInteger(port.as('string'))));
  const sentinel = contains(url, '+sentinel:');
  const complete = matches(url, '^[a-z+]+://[^/,]*:[0-9]+(,[^/,]*:[0-9]+)*(/.*)?$');
  const ofUrl = [
    written,
    when(not(complete), tcp(choose(sentinel, lift(26_379), lift(6379)))),
    when(sentinel, tcp(6379)),
  ];
  const ports = when(
    given(store.ports),
    [tcpPorts(store.ports)],
    when(given(url), ofUrl, [6379, 6380, 26_379].map(tcp)),
  );
  return toAddresses(store.cidrs, [ports]);
}

export const inNamespace = (name: Expr<string>) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });

/** Its ports behind its Service. */
export function toApiServer(base: Base) {
  const { preset, apiServer } = base.shared.networkPolicy;
  const usual = choose<readonly number[]>(
    eq(preset, 'microk8s'),
    [16_443],
    choose<readonly number[]>(eq(preset, 'minikube'), [8443], [443, 6443]),
  );
  return toAddresses(apiServer.cidrs, [tcpPorts(choose(given(apiServer.ports), apiServer.ports, usual))]);
}

/** Proxies for outgoing connections, by their URLs or by a Secret with the URLs. */
export function toProxies(base: Base, proxy: Refs<StreamspaceValues['k8sAgent']['config']['proxy']>) {
  const { cidrs, ports } = base.shared.networkPolicy.proxy;
  const hidden = given(proxy.existingSecret.name);
  const anyOf = [
    when(hidden, tcp(3128)),
    when(hidden, tcp(8080)),
    when(given(proxy.https), tcp(webPort(proxy.https))),
    when(given(proxy.http), tcp(webPort(proxy.http))),
  ];
  return when(
    or(hidden, given(proxy.https), given(proxy.http)),
    toAddresses(cidrs, [when(given(ports), [tcpPorts(ports)], anyOf)]),
  );
}

/** DNS, over both protocols. */
export function toDns(base: Base) {
  const { dns, preset } = base.shared.networkPolicy;
  const namespace = choose(
    given(dns.namespace),
    dns.namespace,
    choose(eq(preset, 'openshift'), 'openshift-dns', 'kube-system'),
  );
  return {
    to: [
      { namespaceSelector: inNamespace(namespace) },
      when(dns.nodeLocal, { ipBlock: { cidr: '169.254.20.10/32' } }),
      each(dns.cidrs, 'cidr', (cidr) => block(cidr.as('string'))),
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
      // CoreDNS may listen elsewhere behind its Service
      { protocol: 'UDP', port: 5353 },
      { protocol: 'TCP', port: 5353 },
    ],
  };
}

/** Pods that may scrape: those of the named namespaces and the chart's test, otherwise any pod of the cluster. */
export function scrapers(base: Base) {
  const { namespaces } = base.shared.networkPolicy.metrics;
  const named = [
    each(namespaces, 'namespace', (name) => ({ namespaceSelector: inNamespace(name.as('string')) })),
    { podSelector: { matchLabels: base.test } },
  ];
  return when(given(namespaces), named, [{ namespaceSelector: {} }]);
}
