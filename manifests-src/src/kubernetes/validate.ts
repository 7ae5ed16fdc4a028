import { nearest } from '../values/nearest.ts';
import { holds, REFUSED_PARTS } from './pod-template.ts';
import { isPart, kubeType, othersOf, propertiesOf, QUANTITY, type Scalar, TAKES } from './types.ts';

const isMap = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null && !Array.isArray(thing);

/** Faults of a value of a Kubernetes type: one line each, with its path and expected form. */
export function kubeProblems(type: string, value: unknown, path: string): string[] {
  if (type === 'Manifest') return typeof value === 'string' ? [] : kubeProblems('Object', value, path);
  const is = kubeType(type);
  switch (is.kind) {
    case 'list':
      return Array.isArray(value)
        ? value.flatMap((item, index) => kubeProblems(is.of, item, `${path}[${index}]`))
        : [`${path}: takes a list`];
    case 'map':
      return isMap(value)
        ? Object.entries(value).flatMap(([key, item]) =>
            item === null && isPart(is.of) ? [] : kubeProblems(is.of, item, `${path}.${key}`),
          )
        : [`${path}: takes a map`];
    case 'object':
      return isMap(value) ? objectProblems(is, value, path) : [`${path}: takes a map`];
    case 'word':
      return value === is.word ? [] : [`${path}: takes ${is.word}; given was ${shown(value)}`];
    case 'scalar':
      return scalarFits(is.scalar, value) ? [] : [`${path}: takes ${TAKES[is.scalar]}; given was ${shown(value)}`];
  }
}

function objectProblems(
  type: { readonly name: string; readonly part: boolean },
  value: Record<string, unknown>,
  path: string,
): string[] {
  const { known, required, patched } = propertiesOf(type);
  const others = othersOf(type.name);
  const needed = Object.hasOwn(value, '$patch') ? patched : required;
  const problems = needed.filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}.${key}: is required`);
  const refused = type.part ? (REFUSED_PARTS[type.name] ?? []) : [];
  problems.push(...refused.filter(({ when }) => holds(when, value)).map(({ says }) => `${path}: takes ${says}`));
  for (const [key, item] of Object.entries(value)) {
    const inner = Object.hasOwn(known, key) ? known[key] : others;
    // null removes a key of the pod
    if (type.part && item === null && !patched.includes(key) && inner !== undefined) continue;
    if (inner !== undefined) problems.push(...kubeProblems(inner, item, `${path}.${key}`));
    else problems.push(`${path}.${key}: unknown key; did you mean ${nearest(key, Object.keys(known))}?`);
  }
  return problems;
}

function scalarFits(scalar: Scalar, value: unknown): boolean {
  switch (scalar) {
    case 'string':
    case 'boolean':
      return typeof value === scalar;
    case 'integer':
      return Number.isInteger(value);
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && new RegExp(QUANTITY, 'u').test(value));
    case 'intOrString':
      return Number.isInteger(value) || typeof value === 'string';
    case 'any':
      return true;
    case 'nothing':
      return false;
    case 'patch':
      return value === 'replace' || value === 'delete';
  }
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);
