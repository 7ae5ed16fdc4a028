import { createHash } from 'node:crypto';

/** One function of expressions: its evaluation here, and the template text with the same meaning. `go` gets its arguments ready for insertion. */
interface Definition {
  run(...args: never[]): unknown;
  go(...args: string[]): string;
}

/** Truth as in a template's `if`. */
export const truthy = (thing: unknown): boolean =>
  !(
    thing === undefined ||
    thing === null ||
    thing === false ||
    thing === 0 ||
    thing === '' ||
    (Array.isArray(thing) && thing.length === 0) ||
    (typeof thing === 'object' && Object.keys(thing).length === 0)
  );

/** Order of keys and strings in templates: by bytes. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `1h30m`. Fractions are not supported: templates count in whole numbers. */
export function millisecondsOf(text: string): number {
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/([0-9]+)(ms|s|m|h)/g)) sum += Number(number) * UNIT_MS[unit!]!;
  return sum;
}

type Map = Readonly<Record<string, unknown>>;

interface ReadyTemplate {
  readonly id: string;
  readonly warm?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** All functions of expressions. Both sides of a line mean the same: the property test compares them. */
export const FUNCTIONS = {
  truthy: { run: truthy, go: (x) => `not (empty ${x})` },
  not: { run: (x: boolean) => !x, go: (x) => `not ${x}` },
  and: { run: (...all: boolean[]) => all.every(Boolean), go: (...all) => `and ${all.join(' ')}` },
  or: { run: (...all: boolean[]) => all.some(Boolean), go: (...all) => `or ${all.join(' ')}` },
  eq: { run: (a: unknown, b: unknown) => a === b, go: (a, b) => `eq ${a} ${b}` },
  ne: { run: (a: unknown, b: unknown) => a !== b, go: (a, b) => `ne ${a} ${b}` },
  gt: { run: (a: number, b: number) => a > b, go: (a, b) => `gt ${a} ${b}` },
  ge: { run: (a: number, b: number) => a >= b, go: (a, b) => `ge ${a} ${b}` },
  lt: { run: (a: number, b: number) => a < b, go: (a, b) => `lt ${a} ${b}` },
  mul: { run: (a: number, b: number) => a * b, go: (a, b) => `mul ${a} ${b}` },
  add: { run: (a: number, b: number) => a + b, go: (a, b) => `add ${a} ${b}` },
  /** Whole part of a division of positive numbers. */
  div: { run: (a: number, b: number) => Math.trunc(a / b), go: (a, b) => `div ${a} ${b}` },
  length: { run: (x: string | readonly unknown[] | Map) => size(x), go: (x) => `len ${x}` },
  concat: { run: (...parts: string[]) => parts.join(''), go: (...parts) => `print ${parts.join(' ')}` },
  /** A number or boolean as the text of an environment variable. */
  text: { run: (x: unknown) => String(x), go: (x) => `toString ${x}` },
  join: {
    run: (by: string, list?: readonly string[]) => (list ?? []).join(by),
    go: (by, list) => `join ${by} ${list}`,
  },
  replace: {
    run: (from: string, to: string, text: string) => text.replaceAll(from, to),
    go: (from, to, text) => `replace ${from} ${to} ${text}`,
  },
  lower: { run: (text: string) => text.toLowerCase(), go: (text) => `lower ${text}` },
  trunc: {
    run: (length: number, text: string) => text.slice(0, length),
    go: (length, text) => `trunc ${length} ${text}`,
  },
  trimSuffix: {
    run: (suffix: string, text: string) => (text.endsWith(suffix) ? text.slice(0, -suffix.length) : text),
    go: (suffix, text) => `trimSuffix ${suffix} ${text}`,
  },
  /** Without characters that a label must not end with. */
  trimSeparators: {
    run: (text: string) => text.replace(/[-_.]+$/, ''),
    go: (text) => `regexReplaceAll "[-_.]+$" ${text} ""`,
  },
  /** Without the dashes at its end. */
  trimDashes: { run: (text: string) => text.replace(/-+$/, ''), go: (text) => `regexReplaceAll "-+$" ${text} ""` },
  contains: {
    run: (part: string, text: string) => text.includes(part),
    go: (part, text) => `contains ${part} ${text}`,
  },
  hasPrefix: {
    run: (part: string, text: string) => text.startsWith(part),
    go: (part, text) => `hasPrefix ${part} ${text}`,
  },
  hasSuffix: {
    run: (part: string, text: string) => text.endsWith(part),
    go: (part, text) => `hasSuffix ${part} ${text}`,
  },
  matches: {
    run: (pattern: string, text: string) => new RegExp(pattern, 'u').test(text),
    go: (pattern, text) => `regexMatch ${pattern} ${text}`,
  },
  /** The first match of a pattern, or nothing. */
  find: {
    run: (pattern: string, text: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '',
    go: (pattern, text) => `regexFind ${pattern} ${text}`,
  },
  /** Ports in a URL of one or more hosts, as texts, each once. */
  ports: {
    run: (url: string) => [...new Set([...url.matchAll(/:([0-9]+)(?=[,/]|$)/g)].map(([, port]) => port))],
    go: (url) => `uniq (regexFindAll "[0-9]+" (join " " (regexFindAll ":[0-9]+([,/]|$)" ${url} -1)) -1)`,
  },
  sha256: { run: (text: string) => createHash('sha256').update(text).digest('hex'), go: (text) => `sha256sum ${text}` },
  /** The first map wins where both have a key. */
  merge: {
    run: (...maps: Map[]) => Object.assign({}, ...maps.toReversed()) as Map,
    go: (...maps) => `merge (dict) ${maps.map(mapOf).join(' ')}`,
  },
  has: {
    run: (item: unknown, list?: readonly unknown[]) => (list ?? []).includes(item),
    go: (item, list) => `has ${item} ${list}`,
  },
  hasKey: {
    run: (map: Map | undefined, key: string) => Object.hasOwn(map ?? {}, key),
    go: (map, key) => `hasKey ${mapOf(map)} ${key}`,
  },
  json: {
    run: (thing: unknown) =>
      JSON.stringify(sorted(thing)).replace(/[\u2028\u2029]/g, (end) => (end === '\u2028' ? '\\u2028' : '\\u2029')),
    go: (thing) => `toRawJson ${thing}`,
  },
  kindOf: {
    run: (thing: unknown) => (typeof thing === 'string' ? 'string' : Array.isArray(thing) ? 'slice' : 'other'),
    go: (thing) => `kindOf ${thing}`,
  },
  isString: { run: (thing: unknown) => typeof thing === 'string', go: (thing) => `kindIs "string" ${thing}` },
  toInteger: { run: (thing: unknown) => Math.trunc(Number(thing)) || 0, go: (thing) => `int64 ${thing}` },
  /** Names of a list's items that are in `names`, or duplicate; joined by commas. Written as a helper. */
  clashes: {
    run: (names: readonly string[], items?: readonly { name: string }[]) =>
      (items ?? [])
        .map(({ name }) => name)
        .filter((name, index, all) => names.includes(name) || all.indexOf(name) !== index)
        .join(', '),
    go: (names, items) => `include "streamspace.clashes" (dict "names" ${names} "items" ${items})`,
  },
  /** Names of objects, given as texts or as references. Written as a helper. */
  names: {
    run: (list?: readonly (string | { name: string })[] | null) =>
      (list ?? []).map((each) => (typeof each === 'string' ? each : each.name)),
    go: (list) => `fromJsonArray (include "streamspace.names" ${list})`,
  },
  /** Texts that are in both lists, or twice in one; joined by commas. */
  doubles: {
    run: (one?: readonly string[], other?: readonly string[]) =>
      [...(one ?? []), ...(other ?? [])].filter((each, index, all) => all.indexOf(each) !== index).join(', '),
    go: (one, other) => `include "streamspace.doubles" (concat (default (list) ${one}) (default (list) ${other}))`,
  },
  /** Ids of templates with warm pods whose env lacks `variable` with this value; joined by commas. Written as a helper. */
  notReady: {
    run: (variable: string, value: string, templates?: readonly ReadyTemplate[] | null) =>
      (templates ?? [])
        .filter(({ warm = 0, env }) => warm > 0 && env?.[variable] !== value)
        .map(({ id }) => id)
        .join(', '),
    go: (variable, value, templates) =>
      `include "streamspace.notReady" (dict "variable" ${variable} "value" ${value} "templates" ${templates})`,
  },
  /** Duplicate ids; joined by commas. Written as a helper. */
  twice: {
    run: (templates?: readonly ReadyTemplate[] | null) =>
      (templates ?? [])
        .map(({ id }) => id)
        .filter((id, index, all) => all.indexOf(id) !== index)
        .join(', '),
    go: (templates) => `include "streamspace.twice" ${templates}`,
  },
  /** Names of objects under any of these keys, as a JSON list. Written as a helper, which walks the value in the same order. */
  namesUnder: {
    run: (keys: readonly string[], thing: unknown) => JSON.stringify([...new Set(namesUnder(keys, thing))]),
    go: (keys, thing) => `include "streamspace.namesUnder" (dict "keys" ${keys} "in" ${thing})`,
  },
  /** Written as a helper: templates have no such function. */
  milliseconds: { run: millisecondsOf, go: (text) => `int64 (include "streamspace.milliseconds" ${text})` },
} satisfies Record<string, Definition>;

export type FunctionName = keyof typeof FUNCTIONS;

/** A map that null may have removed. */
const mapOf = (text: string): string =>
  text.startsWith('$') || text.startsWith('(index') ? `(default (dict) ${text})` : text;

function size(thing: string | readonly unknown[] | Map): number {
  if (typeof thing === 'string') return Buffer.byteLength(thing);
  return Array.isArray(thing) ? thing.length : Object.keys(thing).length;
}

/** Valid names of objects: without characters that JSON, or a language that reads JSON, would escape. */
export const OBJECT_NAME = '^[a-z0-9][-a-z0-9.]*$';

function namesUnder(keys: readonly string[], thing: unknown): string[] {
  if (Array.isArray(thing)) return thing.flatMap((item) => namesUnder(keys, item));
  if (typeof thing !== 'object' || thing === null) return [];
  return Object.entries(thing)
    .sort(([a], [b]) => byBytes(a, b))
    .flatMap(([key, value]) => {
      const items: unknown[] = !keys.includes(key) ? [] : Array.isArray(value) ? value : [value];
      const names = items.map((item) => (typeof item === 'string' ? item : (item as { name?: unknown } | null)?.name));
      const valid = names.filter((name) => typeof name === 'string' && new RegExp(OBJECT_NAME).test(name)) as string[];
      return [...valid, ...namesUnder(keys, value)];
    });
}

function sorted(thing: unknown): unknown {
  if (Array.isArray(thing)) return thing.map(sorted);
  if (typeof thing !== 'object' || thing === null) return thing;
  return Object.fromEntries(
    Object.entries(thing)
      .sort(([a], [b]) => byBytes(a, b))
      .map(([key, value]) => [key, sorted(value)]),
  );
}
