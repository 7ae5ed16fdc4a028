import { KubeSchemas } from '../kubernetes/json-schema.ts';
import { documentSchema } from '../values/documents.ts';
import { isNullable, isSection, type ValueSchema } from '../values/tree.ts';

type Json = Record<string, unknown>;

/** values.schema.json: Helm checks values with it, after merging them with the defaults. */
export function schemaFile(title: string, schema: ValueSchema): string {
  const kubernetes = new KubeSchemas();
  const json = jsonOf(schema, kubernetes);
  const { definitions } = kubernetes;
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', title, ...json, definitions }, null, 2)}\n`;
}

const RESERVED = 'nothing: this key is the chart’s own, leave it out';

function jsonOf(schema: ValueSchema, kubernetes: KubeSchemas): Json {
  // plain data: without the schema library's own marks
  const {
    open: _open,
    takes,
    kube,
    document,
    properties: _properties,
    items,
    examples,
    propertyNames,
    passes,
    range: _range,
    setting: _setting,
    ...rest
  } = JSON.parse(JSON.stringify(schema)) as ValueSchema & Json;
  const said = takes === undefined ? {} : { description: `${schema.description ?? ''} (${takes})` };
  if (!isSection(schema)) {
    const { not: reserved, ...names } = propertyNames ?? {};
    return {
      ...inWords(rest, takes),
      ...said,
      ...(isNullable(schema) ? { type: [schema.type, 'null'] } : {}),
      ...(items === undefined ? {} : { items: itemSchema(items) }),
      ...(document === undefined ? {} : { items: documentSchema(document) }),
      ...(kube === undefined ? {} : byKubernetes(kube, kubernetes)),
      ...(propertyNames === undefined ? {} : { propertyNames: names }),
      // not by `propertyNames`: Helm would not say where the key is
      ...(reserved === undefined ? {} : { patternProperties: { [reserved.pattern]: { const: RESERVED } } }),
      ...(examples === undefined ? {} : { examples }),
    };
  }
  const keys = Object.keys(schema.properties);
  return {
    ...rest,
    // null would remove a value that templates rely on
    required: keys.filter((key) => !isNullable(schema.properties[key]!)),
    properties: Object.fromEntries(
      Object.entries(schema.properties).map(([key, value]) => [key, jsonOf(value, kubernetes)]),
    ),
    ...(passes === undefined ? {} : { patternProperties: { [passes]: {} } }),
    ...(schema.additionalProperties === false ? { propertyNames: nearMisses(keys, passes) } : {}),
  };
}

function itemSchema(items: ValueSchema): Json {
  const { named, ...item } = items;
  if (named !== true) return inWords(item as Json, item.takes);
  const name = { type: 'string', pattern: item.pattern };
  const reference = { type: 'object', properties: { name }, required: ['name'], additionalProperties: false };
  return { if: { anyOf: [name, reference] }, else: { const: item.takes } };
}

/** Helm prints a pattern that is not met; an unsatisfiable constant shows the expected form in words. */
function inWords({ pattern, type, takes: _takes, ...rest }: Json, takes: string | undefined): Json {
  if (pattern === undefined || takes === undefined) {
    return { ...(type === undefined ? {} : { type }), ...rest, ...(pattern === undefined ? {} : { pattern }) };
  }
  // the words themselves are not a valid value either
  return { ...rest, if: { type, pattern }, else: { const: takes }, not: { const: takes } };
}

/** An empty map is valid too: it means none. */
function byKubernetes(type: string, kubernetes: KubeSchemas): Json {
  const schema = kubernetes.of(type);
  // oxlint-disable-next-line unicorn/no-thenable -- the schema's own word
  return '$ref' in schema ? { if: { minProperties: 1 }, then: schema } : schema;
}

/**
 * Helm formulates schema errors itself. So that an error about an unknown key names the intended key, the names are checked too:
 * a name that shares half of a known one must be that one. One typing error leaves one half of a name intact.
 */
function nearMisses(keys: readonly string[], passes?: string): Json {
  return {
    if: passes === undefined ? { enum: keys } : { anyOf: [{ enum: keys }, { pattern: passes }] },
    // oxlint-disable-next-line unicorn/no-thenable -- the schema's own word
    else: { allOf: keys.map((key) => ({ if: { pattern: likeness(key) }, then: { const: key } })) },
  };
}

/** Starts or ends like the key; case is ignored. */
function likeness(key: string): string {
  const half = Math.ceil(key.length / 2);
  const free = `.{0,${key.length - half + 2}}`;
  const loose = (text: string) => text.replace(/[A-Z]/g, (letter) => `[-_]?[${letter}${letter.toLowerCase()}]`);
  return `^(?:${loose(key.slice(0, half))}${free}|${free}${loose(key.slice(-half))})$`;
}
