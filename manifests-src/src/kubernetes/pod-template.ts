import { SESSION_POD } from '@streamspace/settings';
import type { KubeTypes } from './types.ts';

/**
 * A pod that session pods are merged into, as the agent merges it (a strategic merge): each key of it is a part of what Kubernetes defines. `~PodSpec` is a
 * part of a PodSpec: null takes a key away, and `$patch` replaces or removes what is there.
 */
export const POD_TEMPLATE: KubeTypes = {
  PodTemplate: { apiVersion: '=v1', kind: '=Pod', metadata: 'PodTemplateMetadata', spec: '~PodSpec' },
  PodTemplateMetadata: { labels: 'PodTemplateLabels', annotations: 'PodTemplateAnnotations' },
  // the agent's own are nobody else's
  PodTemplateLabels: own(SESSION_POD.labels),
  PodTemplateAnnotations: own(Object.values(SESSION_POD.annotations)),
};

function own(keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, 'nothing']));
}

/** Of what session pods have already, a part needs no more than this; of anything else what Kubernetes requires. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  PodSpec: [],
  Container: ['name'],
  TcpSocketAction: [],
  VolumeMount: ['mountPath'],
};
/** With `$patch` nothing is needed, but what the agent tells these by. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = { Container: ['name'], Volume: ['name'] };

/** Keys that a part of a type has to have: without `$patch`, and with it. */
export const neededOf = (name: string, required: readonly string[]) => ({
  plain: NEEDED[name] ?? required,
  patched: ALWAYS[name] ?? [],
});

/** What else the agent holds parts of a type to: in which case they are refused, and what is said. */
export const REFUSED_PARTS: Readonly<Record<string, readonly { readonly when: Condition; readonly says: string }[]>> = {
  Container: [
    {
      when: { isNot: { name: SESSION_POD.container }, lacks: 'image' },
      says: `an image; only the container ${SESSION_POD.container} has one already`,
    },
    {
      when: { is: { name: SESSION_POD.container }, has: '$patch' },
      says: `no $patch: the container ${SESSION_POD.container} is the session, it can be changed only`,
    },
  ],
  Volume: [
    {
      when: { is: { name: SESSION_POD.home } },
      says: `another name: the volume ${SESSION_POD.home} is the user’s home`,
    },
  ],
};

/** All of it holds. */
export interface Condition {
  readonly is?: Readonly<Record<string, string>>;
  readonly isNot?: Readonly<Record<string, string>>;
  readonly has?: string;
  readonly lacks?: string;
}

export function holds(
  { is = {}, isNot = {}, has, lacks }: Condition,
  value: Readonly<Record<string, unknown>>,
): boolean {
  return (
    Object.entries(is).every(([key, text]) => value[key] === text) &&
    Object.entries(isNot).every(([key, text]) => value[key] !== text) &&
    (has === undefined || Object.hasOwn(value, has)) &&
    (lacks === undefined || !Object.hasOwn(value, lacks))
  );
}

/** The same as a JSON schema. */
export function conditionSchema({ is = {}, isNot = {}, has, lacks }: Condition): Record<string, unknown> {
  const named = ([key, text]: [string, string]) => ({ properties: { [key]: { const: text } }, required: [key] });
  return {
    allOf: [
      ...Object.entries(is).map(named),
      ...Object.entries(isNot).map((each) => ({ not: named(each) })),
      ...(has === undefined ? [] : [{ required: [has] }]),
      ...(lacks === undefined ? [] : [{ not: { required: [lacks] } }]),
    ],
  };
}
