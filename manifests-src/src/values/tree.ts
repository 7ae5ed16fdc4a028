import type { DocumentSchema } from './documents.ts';

/** The part of JSON Schema that this project's values use. */
export interface ValueSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly items?: ValueSchema;
  readonly additionalProperties?: boolean | ValueSchema;
  readonly propertyNames?: { readonly pattern?: string; readonly not?: { readonly pattern: string } };
  readonly pattern?: string;
  /** Additional keys that pass unchecked. */
  readonly passes?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
  /** The expected form of a text, in words. */
  readonly takes?: string;
  /** Of a duration, in milliseconds. */
  readonly range?: { readonly min: number; readonly max: number };
  /** The program's environment variable that it sets. */
  readonly setting?: string;
  /** The Kubernetes type that checks it. */
  readonly kube?: string;
  /** Of a list: a part of a document that a program reads, checked by the program's own schema of it. */
  readonly document?: DocumentSchema;
  /** Of a list's item: a text, or a map with it under `name`, as Kubernetes has references. */
  readonly named?: boolean;
  /** Passed on as it is. */
  readonly open?: boolean;
}

export const isSection = (
  schema: ValueSchema,
): schema is ValueSchema & { properties: Readonly<Record<string, ValueSchema>> } => schema.properties !== undefined;

/** Whether null means none, and removes the default: lists and maps without required content. */
export const isNullable = (schema: ValueSchema): boolean =>
  !isSection(schema) && (schema.type === 'array' || schema.type === 'object');

/** The default of a value: defaults of all values below. */
export function defaultsOf(schema: ValueSchema): unknown {
  if (!isSection(schema)) return structuredClone(schema.default);
  return Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, defaultsOf(value)]));
}

export interface LeafValue {
  readonly path: readonly string[];
  readonly schema: ValueSchema;
}

/** Every value that a user sets, in the order of the schema. */
export function leavesOf(schema: ValueSchema, path: readonly string[] = []): LeafValue[] {
  if (!isSection(schema)) return [{ path, schema }];
  return Object.entries(schema.properties).flatMap(([key, value]) => leavesOf(value, [...path, key]));
}

const isMap = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null && !Array.isArray(thing);

/** One file of values over another: null stays, for the defaults below both. */
export function overlay(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = key in merged ? overlay(merged[key], value) : value;
  return merged;
}

/** Values over defaults, as Helm does it: maps are merged, everything else is replaced, null removes a default. */
export function coalesceValues(defaults: unknown, given: unknown): unknown {
  if (!isMap(defaults) || !isMap(given)) return given;
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    if (value === null && key in merged) delete merged[key];
    else merged[key] = key in merged ? coalesceValues(merged[key], value) : value;
  }
  return merged;
}
