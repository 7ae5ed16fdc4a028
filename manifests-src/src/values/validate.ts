import { kubeProblems } from '../kubernetes/validate.ts';
import { documentProblems } from './documents.ts';
import { nearest } from './nearest.ts';
import { isNullable, isSection, type ValueSchema } from './tree.ts';

/** All faults of complete values: one line each, with the value's path and expected form. */
export function valueProblems(schema: ValueSchema, value: unknown, path = ''): string[] {
  const at = path === '' ? 'values' : path;
  if (isNullable(schema) && (value === undefined || value === null)) return [];
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  const type = typeOf(value);
  if (!types.some((each) => each === type || (each === 'number' && type === 'integer'))) {
    return [
      `${at}: takes ${takes(schema)}${value === undefined || value === null ? '; leave the key out for its default' : `; given was ${shown(value)}`}`,
    ];
  }
  if (schema.kube !== undefined) return isEmpty(value) ? [] : kubeProblems(schema.kube, value, at);
  if (schema.document !== undefined) {
    const { document } = schema;
    return (value as unknown[]).flatMap((item, index) => documentProblems(document, item, `${path}[${index}]`));
  }
  if (type === 'array' && schema.items?.named === true) {
    const { items } = schema;
    return (value as unknown[]).flatMap((item, index) =>
      namedFits(items, item) ? [] : [`${path}[${index}]: takes ${takes(items)}; given was ${shown(item)}`],
    );
  }
  if (type === 'array') {
    const items = schema.items;
    return items === undefined
      ? []
      : (value as unknown[]).flatMap((item, index) => valueProblems(items, item, `${path}[${index}]`));
  }
  if (type === 'object') return ofMap(schema, value as Record<string, unknown>, path);
  return fits(schema, value) ? [] : [`${at}: takes ${takes(schema)}; given was ${shown(value)}`];
}

const isEmpty = (value: unknown): boolean => Object.keys(value as object).length === 0;

function ofMap(schema: ValueSchema, map: Record<string, unknown>, path: string): string[] {
  const below = (key: string) => (path === '' ? key : `${path}.${key}`);
  const problems: string[] = [];
  const known = isSection(schema) ? schema.properties : {};
  for (const [key, inner] of Object.entries(known)) problems.push(...valueProblems(inner, map[key], below(key)));
  for (const [key, value] of Object.entries(map)) {
    if (Object.hasOwn(known, key)) continue;
    const { additionalProperties: others, propertyNames: names, passes } = schema;
    if (passes !== undefined && new RegExp(passes, 'u').test(key)) continue;
    if (others === false) {
      const meant = nearest(key, Object.keys(known));
      problems.push(`${below(key)}: unknown key${meant === undefined ? '' : `; did you mean ${below(meant)}?`}`);
      continue;
    }
    if (names !== undefined && !nameFits(names, key)) problems.push(`${below(key)}: not a key that can be set here`);
    if (typeof others === 'object') problems.push(...valueProblems(others, value, below(key)));
  }
  return problems;
}

const nameFits = (names: NonNullable<ValueSchema['propertyNames']>, key: string): boolean =>
  (names.pattern === undefined || new RegExp(names.pattern, 'u').test(key)) &&
  (names.not === undefined || !new RegExp(names.not.pattern, 'u').test(key));

function namedFits({ pattern }: ValueSchema, item: unknown): boolean {
  const isReference = typeof item === 'object' && item !== null && Object.keys(item).join() === 'name';
  const name = isReference ? (item as { name: unknown }).name : item;
  return typeof name === 'string' && new RegExp(pattern!, 'u').test(name);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fits(schema: ValueSchema, value: unknown): boolean {
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) return false;
  if (typeof value === 'string') return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value);
  if (typeof value === 'number') return value >= (schema.minimum ?? value) && value <= (schema.maximum ?? value);
  return true;
}

/** The expected form of a value, in words. */
export function takes(schema: ValueSchema): string {
  if (schema.takes !== undefined) return schema.takes;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') return `a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? 'any'}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'array') return 'a list';
  if (schema.type === 'object') return 'a map';
  return schema.pattern === undefined ? 'a text' : `a text like ${schema.pattern}`;
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);
