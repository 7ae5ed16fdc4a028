import { neededOf, POD_TEMPLATE } from './pod-template.ts';
import type { KubeTypes } from './type-table.ts';
import imported from './types.json' with { type: 'json' };

const types: KubeTypes = imported;

const required = (name: string, ...keys: string[]) => ({
  ...types[name],
  ...Object.fromEntries(keys.map((key) => [key, `${types[name]![key]!.replace('!', '')}!`])),
});

/** Kubernetes' types, and some of ours that are stricter than its schemas, like its API server. */
export const KUBE_TYPES: KubeTypes = {
  ...types,
  // Kubernetes makes the image optional only for higher-level objects that fill it in
  Container: required('Container', 'image'),
  Object: { apiVersion: 'string!', kind: 'string!', metadata: '{}any!' },
  ...POD_TEMPLATE,
};

const SCALARS = ['string', 'integer', 'boolean', 'quantity', 'intOrString', 'any', 'nothing', 'patch'] as const;
export type Scalar = (typeof SCALARS)[number];

/** The components of a type's name. A part of a type is its form in a pod template. */
export type KubeType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'list' | 'map'; readonly of: string }
  | { readonly kind: 'object'; readonly name: string; readonly part: boolean };

/** Whether it is a part of a type. */
export const isPart = (type: string): boolean => type.startsWith('~');

export function kubeType(text: string): KubeType {
  const part = isPart(text);
  const name = text.replace(/^~/, '').replace(/!$/, '');
  const below = (inner: string) => (part ? `~${inner}` : inner);
  if (name.startsWith('=')) return { kind: 'word', word: name.slice(1) };
  if (name.startsWith('[]')) return { kind: 'list', of: below(name.slice(2)) };
  if (name.startsWith('{}')) return { kind: 'map', of: below(name.slice(2)) };
  // numbers of pods and similar counts are whole
  const scalar = name === 'number' ? 'integer' : SCALARS.find((each) => each === name);
  return scalar === undefined ? { kind: 'object', name, part } : { kind: 'scalar', scalar };
}

interface Properties {
  readonly known: Readonly<Record<string, string>>;
  /** Required keys. */
  readonly required: readonly string[];
  /** The same if the part has `$patch`. */
  readonly patched: readonly string[];
}

/** Properties of a type by name; those of a part are parts. */
export function propertiesOf({ name, part }: { readonly name: string; readonly part: boolean }): Properties {
  const known = KUBE_TYPES[name]!;
  const required = Object.keys(known).filter((key) => known[key]!.endsWith('!'));
  if (!part) return { known, required, patched: required };
  const parts = Object.entries(known).map(([key, type]) => [key, `~${type}`]);
  const { plain, patched } = neededOf(name, required);
  return { known: { ...Object.fromEntries(parts), $patch: 'patch' }, required: plain, patched };
}

/** Objects with more constraints than their type: the type of any other key. */
export const othersOf = (name: string): string | undefined =>
  ({ Object: 'any', PodTemplateLabels: 'string', PodTemplateAnnotations: 'string' })[name];

/** Pattern of an amount. */
export const QUANTITY = '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$';
/** Message for any other value. */
export const TAKES: Readonly<Record<Scalar, string>> = {
  string: 'a text: put it in quotes',
  integer: 'a whole number, without quotes',
  boolean: 'true or false, without quotes',
  quantity: 'an amount such as 500m, 2 or 1Gi',
  intOrString: 'a whole number, or a percentage or name in quotes',
  any: 'anything',
  nothing: 'nothing: the agent sets it itself, leave it out',
  patch: 'replace or delete',
};
