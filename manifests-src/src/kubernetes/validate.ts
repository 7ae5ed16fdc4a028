import { nearest } from '../values/nearest.ts';
import { isOpen, KUBE_TYPES, kubeType, QUANTITY, TAKES } from './types.ts';

const isMap = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null && !Array.isArray(thing);

/** What is wrong with something that Kubernetes defines: a line each, with where it is and what it takes. */
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
        ? Object.entries(value).flatMap(([key, item]) => kubeProblems(is.of, item, `${path}.${key}`))
        : [`${path}: takes a map`];
    case 'object':
      return isMap(value) ? objectProblems(is.name, value, path) : [`${path}: takes a map`];
    case 'scalar':
      return scalarFits(is.scalar, value) ? [] : [`${path}: takes ${TAKES[is.scalar]}; given was ${shown(value)}`];
  }
}

function objectProblems(name: string, value: Record<string, unknown>, path: string): string[] {
  const known = KUBE_TYPES[name]!;
  const problems = Object.entries(known)
    .filter(([key, type]) => type.endsWith('!') && !Object.hasOwn(value, key))
    .map(([key]) => `${path}.${key}: is required`);
  for (const [key, item] of Object.entries(value)) {
    const type = Object.hasOwn(known, key) ? known[key] : undefined;
    if (type !== undefined) problems.push(...kubeProblems(type, item, `${path}.${key}`));
    else if (!isOpen(name))
      problems.push(`${path}.${key}: unknown key; did you mean ${nearest(key, Object.keys(known))}?`);
  }
  return problems;
}

function scalarFits(
  scalar: Extract<ReturnType<typeof kubeType>, { kind: 'scalar' }>['scalar'],
  value: unknown,
): boolean {
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
  }
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);
