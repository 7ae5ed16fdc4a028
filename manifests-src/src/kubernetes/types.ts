import imported from './types.json' with { type: 'json' };

/** Properties by name: `string`, `EnvVarSource`, `[]EnvVar`, `{}string`; with `!` at the end a required one. */
export type KubeTypes = Readonly<Record<string, Readonly<Record<string, string>>>>;

const types: KubeTypes = imported;

const required = (name: string, ...keys: string[]) => ({
  ...types[name],
  ...Object.fromEntries(keys.map((key) => [key, `${types[name]![key]!.replace('!', '')}!`])),
});

/** Kubernetes' types, and some of ours that are stricter than its schemas, as its API server is. */
export const KUBE_TYPES: KubeTypes = {
  ...types,
  // an image is optional only for those who make pods of pods
  Container: required('Container', 'image'),
  Object: { apiVersion: 'string!', kind: 'string!', metadata: '{}any!' },
};

const SCALARS = ['string', 'integer', 'boolean', 'quantity', 'intOrString', 'any'] as const;
type Scalar = (typeof SCALARS)[number];

/** A type's name taken apart. */
export type KubeType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'list' | 'map'; readonly of: string }
  | { readonly kind: 'object'; readonly name: string };

export function kubeType(text: string): KubeType {
  const name = text.replace(/!$/, '');
  if (name.startsWith('[]')) return { kind: 'list', of: name.slice(2) };
  if (name.startsWith('{}')) return { kind: 'map', of: name.slice(2) };
  // numbers of pods and their like are whole
  const scalar = name === 'number' ? 'integer' : SCALARS.find((each) => each === name);
  return scalar === undefined ? { kind: 'object', name } : { kind: 'scalar', scalar };
}

/** Objects of which more is known than their type says: any key may be there. */
export const isOpen = (name: string): boolean => name === 'Object';

/** What an amount looks like. */
export const QUANTITY = '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$';
/** What is said to who gave something else. */
export const TAKES: Readonly<Record<Scalar, string>> = {
  string: 'a text: put it in quotes',
  integer: 'a whole number, without quotes',
  boolean: 'true or false, without quotes',
  quantity: 'an amount such as 500m, 2 or 1Gi',
  intOrString: 'a whole number, or a percentage or name in quotes',
  any: 'anything',
};
