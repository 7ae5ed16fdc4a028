import { parse } from 'yaml';
import { nearest } from '../values/nearest.ts';
import { isSection, leavesOf, type LeafValue, type ValueSchema } from '../values/tree.ts';
import { PluginError } from './project.ts';

/** A parameter as announced to Argo CD's user interface. */
export interface Announcement {
  readonly name: string;
  readonly title: string;
  readonly tooltip: string;
  readonly required: boolean;
  readonly itemType: 'string' | 'number' | 'boolean';
  readonly collectionType: 'string' | 'array' | 'map';
  readonly string?: string;
  readonly array?: readonly string[];
  readonly map?: Readonly<Record<string, string>>;
}

/** A parameter as an Application gives it: ARGOCD_APP_PARAMETERS is a list of these. */
interface Given {
  readonly name: string;
  readonly string?: string;
  readonly array?: readonly string[];
  readonly map?: Readonly<Record<string, string>>;
}

const REQUIRED = ['k8sAgent.config.agentId', 'agent.id', 'agent.controlPlaneUrl'];

const isTextMap = ({ type, additionalProperties }: ValueSchema) =>
  type === 'object' && typeof additionalProperties === 'object';
const isTextList = ({ type, items }: ValueSchema) => type === 'array' && items?.type === 'string';

/** Every value of a chart as a parameter, with its current value. */
export const announced = (schema: ValueSchema, values: unknown): Announcement[] =>
  leavesOf(schema).map((leaf) => announce(leaf, at(values, leaf.path)));

const at = (values: unknown, path: readonly string[]): unknown =>
  path.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], values);

function announce({ path, schema }: LeafValue, value: unknown): Announcement {
  const name = path.join('.');
  const itemType = schema.type === 'integer' ? 'number' : schema.type === 'boolean' ? 'boolean' : 'string';
  const about = {
    name,
    title: name,
    tooltip: schema.description ?? '',
    required: REQUIRED.includes(name),
    itemType,
  } as const;
  if (isTextMap(schema)) return { ...about, collectionType: 'map', map: (value ?? {}) as Record<string, string> };
  if (isTextList(schema)) return { ...about, collectionType: 'array', array: (value ?? []) as string[] };
  return {
    ...about,
    collectionType: 'string',
    string: typeof value === 'string' ? value : JSON.stringify(value ?? schema.default),
  };
}

/** Values of the parameters that an Application gives. Each is parsed by its schema. */
export function valuesOfParameters(schema: ValueSchema, text: string): Record<string, unknown> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new PluginError('ARGOCD_APP_PARAMETERS: is no JSON');
  }
  if (given === null) return {};
  if (!Array.isArray(given)) throw new PluginError('ARGOCD_APP_PARAMETERS: takes a list');
  const values: Record<string, unknown> = {};
  for (const [index, each] of (given as (Given | null)[]).entries()) {
    if (typeof each?.name !== 'string' || each.name === '')
      throw new PluginError(`ARGOCD_APP_PARAMETERS: parameter ${index + 1} has no name; name the value that it sets`);
    put(schema, values, each.name, each, `parameter ${each.name}`);
  }
  return values;
}

/** Sets one value by its dotted path. */
export function put(
  schema: ValueSchema,
  values: Record<string, unknown>,
  name: string,
  given: Omit<Given, 'name'>,
  where: string,
): void {
  const path = name.split('.');
  let known: ValueSchema | undefined = schema;
  for (const key of path)
    known = known === undefined ? undefined : isSection(known) ? known.properties[key] : undefined;
  if (known === undefined || isSection(known)) {
    const meant = nearest(
      name,
      leavesOf(schema).map((leaf) => leaf.path.join('.')),
    );
    throw new PluginError(`${where}: unknown value; did you mean ${meant}?`);
  }
  let inner = values;
  for (const key of path.slice(0, -1)) inner = (inner[key] ??= {}) as Record<string, unknown>;
  inner[path.at(-1)!] = read(known, given, where);
}

function read(schema: ValueSchema, given: Omit<Given, 'name'>, where: string): unknown {
  if (isTextMap(schema) && given.map !== undefined) return given.map;
  if (schema.type === 'array' && given.array !== undefined) {
    return isTextList(schema) ? given.array : given.array.map((item) => parsed(item, where));
  }
  if (given.string === undefined)
    throw new PluginError(
      `${where}: takes ${isTextMap(schema) ? 'a map' : schema.type === 'array' ? 'an array' : 'a string'}`,
    );
  return schema.type === 'string'
    ? given.string
    : given.string === '' && Array.isArray(schema.type)
      ? ''
      : parsed(given.string, where);
}

function parsed(text: string, where: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new PluginError(`${where}: takes YAML`);
  }
}
