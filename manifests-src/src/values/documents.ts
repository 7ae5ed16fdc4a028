import { nearest } from './nearest.ts';

/** The part of JSON Schema with which the programs read JSON from the charts. */
export interface DocumentSchema {
  readonly type?: string;
  readonly required?: readonly string[];
  /** In addition to `patternProperties`: names with their own schema. */
  readonly properties?: Readonly<Record<string, DocumentSchema>>;
  readonly patternProperties?: Readonly<Record<string, DocumentSchema>>;
  readonly maxProperties?: number;
  readonly items?: DocumentSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
}

type Json = Record<string, unknown>;

const isMap = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null && !Array.isArray(thing);

/** Faults of a part of such a document: one line each, with its path and expected form. Unknown keys are refused. */
export function documentProblems(schema: DocumentSchema, value: unknown, path: string): string[] {
  const refused = [`${path}: takes ${takes(schema)}; given was ${(JSON.stringify(value) ?? 'nothing').slice(0, 100)}`];
  if (schema.items !== undefined) {
    const { items, minItems = 0, maxItems = Infinity } = schema;
    if (!Array.isArray(value) || value.length < minItems || value.length > maxItems) return refused;
    return value.flatMap((item, index) => documentProblems(items, item, `${path}[${index}]`));
  }
  const entry = entryOf(schema);
  if (entry !== undefined) {
    if (!isMap(value) || Object.keys(value).length > (schema.maxProperties ?? Infinity)) return refused;
    return Object.entries(value).flatMap(([key, item]) =>
      new RegExp(entry.names, 'u').test(key)
        ? documentProblems(knownIn(schema, key) ?? entry.values, item, `${path}.${key}`)
        : [`${path}: takes ${takes(schema)}; a name is too long`],
    );
  }
  const { properties } = schema;
  if (properties !== undefined) {
    if (!isMap(value)) return refused;
    const problems = (schema.required ?? [])
      .filter((key) => !Object.hasOwn(value, key))
      .map((key) => `${path}.${key}: is required, ${takes(properties[key]!)}`);
    for (const [key, item] of Object.entries(value)) {
      const known = knownIn(schema, key);
      if (known !== undefined) problems.push(...documentProblems(known, item, `${path}.${key}`));
      else problems.push(`${path}.${key}: unknown key; did you mean ${nearest(key, Object.keys(properties))}?`);
    }
    return problems;
  }
  return fits(schema, value) ? [] : refused;
}

/** The same as a JSON schema for Helm: an unsatisfiable constant carries the message for the user. */
export function documentSchema(schema: DocumentSchema): Json {
  if (schema.items !== undefined) {
    const { minItems, maxItems } = schema;
    return { type: 'array', items: documentSchema(schema.items), ...given({ minItems, maxItems }) };
  }
  const entry = entryOf(schema);
  if (entry !== undefined) {
    const { maxProperties } = schema;
    return {
      type: 'object',
      ...(schema.properties === undefined ? {} : { properties: schemasOf(schema.properties) }),
      additionalProperties: documentSchema(entry.values),
      propertyNames: { pattern: entry.names },
      ...given({ maxProperties }),
    };
  }
  if (schema.properties !== undefined) {
    const keys = Object.keys(schema.properties);
    return {
      type: 'object',
      required: schema.required ?? [],
      properties: schemasOf(schema.properties),
      additionalProperties: false,
      propertyNames: { enum: keys },
    };
  }
  const { description: _description, ...leaf } = schema;
  return { if: leaf, else: { const: takes(schema) } };
}

const schemasOf = (properties: NonNullable<DocumentSchema['properties']>): Json =>
  Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, documentSchema(each)]));

const knownIn = ({ properties = {} }: DocumentSchema, key: string): DocumentSchema | undefined =>
  Object.hasOwn(properties, key) ? properties[key] : undefined;

/** A map of any names: their pattern, and the schema of the values. */
function entryOf({ patternProperties }: DocumentSchema): { names: string; values: DocumentSchema } | undefined {
  const [first] = Object.entries(patternProperties ?? {});
  return first && { names: first[0], values: first[1] };
}

const given = (keywords: Json): Json =>
  Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));

function fits(schema: DocumentSchema, value: unknown): boolean {
  if (schema.enum !== undefined) return schema.enum.includes(value as string);
  if (schema.type === 'string') {
    if (typeof value !== 'string') return false;
    const { length } = Array.from(value);
    const { minLength = 0, maxLength = Infinity, pattern } = schema;
    return (
      length >= minLength && length <= maxLength && (pattern === undefined || new RegExp(pattern, 'u').test(value))
    );
  }
  if (schema.type === 'integer' && !Number.isInteger(value)) return false;
  if (typeof value !== 'number') return false;
  return value >= (schema.minimum ?? value) && value <= (schema.maximum ?? value);
}

/** In words. */
function takes(schema: DocumentSchema): string {
  const { minimum = 0, maximum, maxLength, maxItems, maxProperties } = schema;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.items !== undefined)
    return `a list of ${schema.minItems ?? 0} to ${maxItems ?? 'any'}, each ${takes(schema.items)}`;
  if (schema.patternProperties !== undefined) return `a map of at most ${maxProperties ?? 'any'} texts`;
  if (schema.properties !== undefined) return `a map with ${(schema.required ?? []).join(', ')}`;
  if (schema.type === 'string')
    return schema.description ?? `a text of at most ${maxLength ?? 'any'} characters (a number in quotes)`;
  const whole = schema.type === 'integer' ? 'a whole number' : 'a number';
  return `${whole} from ${minimum} to ${maximum ?? 'any'}, without quotes`;
}
