import type { RenderedObject } from '../../src/render/synth.ts';

/** A model of NetworkPolicies: who may open a connection to whom, by the rules of Kubernetes. */

export interface Pod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip?: string;
}
/** Somewhere outside of the cluster. */
export interface Address {
  readonly ip: string;
}
export type End = Pod | Address;

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port: number }[];
}
interface Policy extends RenderedObject {
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

const isPod = (end: End): end is Pod => 'labels' in end;
const selects = (selector: Selector, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);

const number = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
function within(ip: string, cidr: string): boolean {
  if (cidr.includes(':') || ip.includes(':')) return false;
  const [base, bits] = cidr.split('/') as [string, string];
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(ip) / size) === Math.floor(number(base) / size);
}

function isPeer(peer: Peer, end: End, policyNamespace: string): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock;
    return end.ip !== undefined && within(end.ip, cidr) && !except.some((each) => within(end.ip!, each));
  }
  if (!isPod(end)) return false;
  const inNamespace =
    peer.namespaceSelector === undefined
      ? end.namespace === policyNamespace
      : selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace });
  return inNamespace && (peer.podSelector === undefined || selects(peer.podSelector, end.labels));
}

function passes(
  policies: readonly Policy[],
  side: 'Ingress' | 'Egress',
  self: End,
  other: End,
  port: number,
  protocol: string,
): boolean {
  if (!isPod(self)) return true;
  const own = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === self.namespace &&
      spec.policyTypes.includes(side) &&
      selects(spec.podSelector, self.labels),
  );
  if (own.length === 0) return true;
  return own.some(({ metadata, spec }) =>
    ((side === 'Ingress' ? spec.ingress : spec.egress) ?? []).some((rule) => {
      const peers = side === 'Ingress' ? rule.from : rule.to;
      const right =
        rule.ports === undefined ||
        rule.ports.some((each) => each.port === port && (each.protocol ?? 'TCP') === protocol);
      return right && (peers === undefined || peers.some((peer) => isPeer(peer, other, metadata.namespace!)));
    }),
  );
}

/** Whether a connection passes both ends' policies. */
export function allowed(
  objects: readonly RenderedObject[],
  from: End,
  to: End,
  port: number,
  protocol = 'TCP',
): boolean {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy') as Policy[];
  return passes(policies, 'Egress', from, to, port, protocol) && passes(policies, 'Ingress', to, from, port, protocol);
}
