import { SESSION_POD } from '@streamspace/settings';
import type { KubeTypes } from './type-table.ts';

/**
 * A pod template, merged with session pods as the agent does it (a strategic merge): each of its keys is a part of Kubernetes' definition. `~PodSpec` is a
 * part of a PodSpec: null removes a key, and `$patch` replaces or removes existing content.
 */
export const POD_TEMPLATE: KubeTypes = {
  PodTemplate: { apiVersion: '=v1', kind: '=Pod', metadata: 'PodTemplateMetadata', spec: '~PodSpec' },
  PodTemplateMetadata: { labels: 'PodTemplateLabels', annotations: 'PodTemplateAnnotations' },
  // reserved for the agent
  PodTemplateLabels: own(SESSION_POD.labels),
  PodTemplateAnnotations: own(Object.values(SESSION_POD.annotations)),
};

function own(keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, 'nothing']));
}

/** Required keys for items that session pods already have; other items need what Kubernetes requires. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  PodSpec: [],
  Container: ['name'],
  TcpSocketAction: [],
  VolumeMount: ['mountPath'],
};
/** With `$patch` only the identifying key is required. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = { Container: ['name'], Volume: ['name'] };

/** Keys that a part of a type has to have: without `$patch`, and with it. */
export const neededOf = (name: string, required: readonly string[]) => ({
  plain: NEEDED[name] ?? required,
  patched: ALWAYS[name] ?? [],
});

/** Further checks of the agent on parts of a type: the refused case, and its message. */
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

/** All conditions hold. */
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
