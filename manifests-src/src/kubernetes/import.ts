import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { KubeTypes } from './type-table.ts';

/** Types that check values, and all types that these refer to. */
const ROOTS = [
  'Affinity',
  'Container',
  'DeploymentStrategy',
  'EnvFromSource',
  'EnvVar',
  'HorizontalPodAutoscalerBehaviorV2',
  'HostAlias',
  'HttpIngressPath',
  'IngressTls',
  'Lifecycle',
  'MetricSpecV2',
  'NetworkPolicyEgressRule',
  'NetworkPolicyIngressRule',
  'PodDnsConfig',
  'PodSecurityContext',
  'PodSpec',
  'PolicyRule',
  'ResourceRequirements',
  'SecurityContext',
  'SessionAffinityConfig',
  'Toleration',
  'TopologySpreadConstraint',
  'Volume',
  'VolumeMount',
];

interface JsiiType {
  readonly primitive?: string;
  readonly fqn?: string;
  readonly collection?: { readonly kind: 'array' | 'map'; readonly elementtype: JsiiType };
}
interface JsiiProperty {
  readonly name: string;
  readonly optional?: boolean;
  readonly type: JsiiType;
  readonly docs?: { readonly custom?: { readonly schema?: string } };
}

const PREFIX = 'cdk8s-plus-28.k8s.';
const PRIMITIVES: Readonly<Record<string, string>> = { json: 'any', date: 'string' };
const SCALARS: Readonly<Record<string, string>> = { Quantity: 'quantity', IntOrString: 'intOrString' };

/** Kubernetes' own types of the oldest version that the charts support (1.28), from cdk8s' import. */
export function kubernetesTypes(): string {
  const manifest = createRequire(import.meta.url).resolve('cdk8s-plus-28/.jsii');
  const { types } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    types: Record<string, { kind: string; properties?: JsiiProperty[] }>;
  };
  const written: Record<string, Record<string, string>> = {};
  const nameOf = (type: JsiiType): string => {
    if (type.collection !== undefined)
      return (type.collection.kind === 'array' ? '[]' : '{}') + nameOf(type.collection.elementtype);
    if (type.primitive !== undefined) return PRIMITIVES[type.primitive] ?? type.primitive;
    const name = type.fqn!.slice(PREFIX.length);
    if (name in SCALARS) return SCALARS[name]!;
    if (types[type.fqn!]!.kind !== 'interface') return 'any';
    add(name);
    return name;
  };
  const add = (name: string): void => {
    if (name in written) return;
    const properties: Record<string, string> = (written[name] = {});
    for (const { name: camel, type, optional, docs } of types[PREFIX + name]!.properties ?? []) {
      // the import spells some names differently from Kubernetes
      const spelled = docs?.custom?.schema?.split('#')[1] ?? camel;
      properties[spelled] = nameOf(type) + (optional === true ? '' : '!');
    }
  };
  for (const root of ROOTS) add(root);
  const sorted = Object.fromEntries(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1))) satisfies KubeTypes;
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
