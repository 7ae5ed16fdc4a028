import { type Builtin, type Expr, expr, lift, type Of, type ValueType } from './expression.ts';
import type { NameOrReference } from '../values/kinds.ts';
import type { FunctionName } from './functions.ts';

const call = <T>(name: FunctionName, type: ValueType, ...args: Of<unknown>[]): Expr<T> =>
  expr({ kind: 'call', name, args: args.map(lift), type });

export const builtin = (name: Builtin): Expr<string> => expr({ kind: 'builtin', name });
export const release = {
  name: builtin('release.name'),
  namespace: builtin('release.namespace'),
  service: builtin('release.service'),
};
export const chart = {
  name: builtin('chart.name'),
  version: builtin('chart.version'),
  appVersion: builtin('chart.appVersion'),
};

/** All values at once. */
export const allValues = expr<unknown>({ kind: 'value', path: [], type: 'any' });

/** Whether the value is not empty, zero or false. */
export const given = (x: Expr<unknown>): Expr<boolean> => call('truthy', 'boolean', x);
export const missing = (x: Expr<unknown>): Expr<boolean> => not(given(x));
export const not = (x: Expr<boolean>): Expr<boolean> => call('not', 'boolean', x);
export const and = (...all: Expr<boolean>[]): Expr<boolean> =>
  all.length === 1 ? all[0]! : call('and', 'boolean', ...all);
export const or = (...all: Expr<boolean>[]): Expr<boolean> =>
  all.length === 1 ? all[0]! : call('or', 'boolean', ...all);
export const eq = <T extends string | number | boolean>(a: Expr<T>, b: Of<T>): Expr<boolean> =>
  call('eq', 'boolean', a, b);
export const ne = <T extends string | number | boolean>(a: Expr<T>, b: Of<T>): Expr<boolean> =>
  call('ne', 'boolean', a, b);
export const gt = (a: Expr<number>, b: Of<number>): Expr<boolean> => call('gt', 'boolean', a, b);
export const ge = (a: Expr<number>, b: Of<number>): Expr<boolean> => call('ge', 'boolean', a, b);
export const lt = (a: Expr<number>, b: Of<number>): Expr<boolean> => call('lt', 'boolean', a, b);
export const mul = (a: Expr<number>, b: Of<number>): Expr<number> => call('mul', 'integer', a, b);
export const add = (a: Expr<number>, b: Of<number>): Expr<number> => call('add', 'integer', a, b);
export const div = (a: Expr<number>, b: Of<number>): Expr<number> => call('div', 'integer', a, b);
/** Bytes of a text, or the size of a list or map. */
export const length = (x: Expr<unknown>): Expr<number> => call('length', 'integer', x);
export const contains = (text: Expr<string>, part: Of<string>): Expr<boolean> =>
  call('contains', 'boolean', part, text);
export const startsWith = (text: Expr<string>, part: Of<string>): Expr<boolean> =>
  call('hasPrefix', 'boolean', part, text);
export const endsWith = (text: Expr<string>, part: Of<string>): Expr<boolean> =>
  call('hasSuffix', 'boolean', part, text);
/** `pattern`: valid in both JavaScript and RE2. */
export const matches = (text: Expr<string>, pattern: string): Expr<boolean> =>
  call('matches', 'boolean', pattern, text);
export const find = (text: Expr<string>, pattern: string): Expr<string> => call('find', 'string', pattern, text);
export const concat = (...parts: Of<string>[]): Expr<string> => call('concat', 'string', ...parts);
export const asText = (x: Expr<number | boolean | string>): Expr<string> => call('text', 'string', x);
export const join = (list: Expr<readonly string[]>, by: string): Expr<string> => call('join', 'string', by, list);
export const replace = (x: Expr<string>, from: string, to: string): Expr<string> =>
  call('replace', 'string', from, to, x);
export const lower = (x: Expr<string>): Expr<string> => call('lower', 'string', x);
export const trunc = (x: Expr<string>, size: number): Expr<string> => call('trunc', 'string', size, x);
export const trimSeparators = (x: Expr<string>): Expr<string> => call('trimSeparators', 'string', x);
export const trimDashes = (x: Expr<string>): Expr<string> => call('trimDashes', 'string', x);
export const trimSuffix = (x: Expr<string>, suffix: string): Expr<string> => call('trimSuffix', 'string', suffix, x);
/** Ports in a URL of one or more hosts, as texts. */
export const portsIn = (url: Expr<string>): Expr<readonly string[]> => call('ports', 'any', url);
export const sha256 = (x: Expr<string>): Expr<string> => call('sha256', 'string', x);
export const json = (x: Expr<unknown>): Expr<string> => call('json', 'string', x);
/** Milliseconds of a duration such as `1h30m`. */
export const milliseconds = (x: Expr<string>): Expr<number> => call('milliseconds', 'integer', x);
/** Of several maps with the same key the first wins. */
export const merge = <T>(...maps: Expr<Readonly<Record<string, T>>>[]): Expr<Readonly<Record<string, T>>> =>
  call('merge', 'any', ...maps);
export const hasItem = (list: Expr<readonly unknown[]>, item: Of<unknown>): Expr<boolean> =>
  call('has', 'boolean', item, list);
export const hasKey = (map: Expr<object>, key: Of<string>): Expr<boolean> => call('hasKey', 'boolean', map, key);
export const isString = (x: Expr<unknown>): Expr<boolean> => call('isString', 'boolean', x);
export const toInteger = (x: Expr<unknown>): Expr<number> => call('toInteger', 'integer', x);

export const choose = <T>(cond: Expr<boolean>, yes: Of<T>, no: Of<T>): Expr<T> =>
  expr({ kind: 'choice', cond, yes: lift(yes), no: lift(no) });
/** `x`, or `otherwise` if `x` is absent. */
export const orElse = <T>(x: Expr<T>, otherwise: Of<T>): Expr<T> => choose(given(x), x, otherwise);
/** A JSON list of the names under any of these keys, at any depth of a value: as text, as `name`, or as a list of these. */
export const namesUnder = (x: Expr<unknown>, keys: readonly string[]): Expr<string> =>
  call('namesUnder', 'string', keys, x);
/** Ids of templates with `warm` whose env does not have the variable at that value; joined by commas. */
export const notReady = (templates: Expr<readonly unknown[]>, variable: string, value: string): Expr<string> =>
  call('notReady', 'string', variable, value, templates);
/** Ids of duplicate templates; joined by commas. */
export const twice = (templates: Expr<readonly unknown[]>): Expr<string> => call('twice', 'string', templates);
/** Names of items that are in `names`, or duplicate; joined by commas. */
export const clashes = (items: Expr<readonly unknown[]>, names: readonly string[]): Expr<string> =>
  call('clashes', 'string', names, items);
/** Names of objects, given as texts or as references. */
export const objectNames = (list: Expr<readonly NameOrReference[]>): Expr<readonly string[]> =>
  call('names', 'any', list);
/** Texts that are in both lists, or twice in one; joined by commas. */
export const doubles = (one: Expr<readonly string[]>, other: Expr<readonly string[]>): Expr<string> =>
  call('doubles', 'string', one, other);
