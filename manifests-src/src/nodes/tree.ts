import type { k8s } from 'cdk8s-plus-28';
import { type EntriesNode, type Expr, expr, NODE, type ValueType } from './expression.ts';

/** Present if `cond` holds; otherwise `else`, or absent together with its key. */
export interface When<out V> {
  readonly [NODE]: {
    readonly kind: 'when';
    readonly cond: Expr<boolean>;
    readonly yes: V;
    readonly no: V | undefined;
  };
}
/** In a list: an item per element. */
export interface Each<out V> {
  readonly [NODE]: {
    readonly kind: 'each';
    readonly over: Expr<unknown>;
    readonly item: string;
    readonly key: string;
    readonly body: V;
  };
}
/** In a list: the elements of a list. Among entries: the entries of a map. */
export interface Spread<out T> {
  readonly [NODE]: { readonly kind: 'spread'; readonly of: Expr<T> };
}
/** Among entries: one per element of a list or map, with a computed key. */
export interface EachEntry {
  readonly [NODE]: {
    readonly kind: 'eachEntry';
    readonly over: Expr<unknown>;
    readonly item: string;
    readonly key: string;
    readonly name: Expr<string>;
    readonly body: unknown;
  };
}
/** A map composed of several parts. */
export interface EntryMap<out T> {
  readonly [NODE]: EntriesNode;
  readonly type?: T;
}

type Scalar = string | number | boolean;
type Amount = k8s.Quantity | k8s.IntOrString;

/** The generated types spell some names differently from Kubernetes. */
type JsonName<K> = K extends 'downwardApi' ? 'downwardAPI' : K extends 'clusterIp' ? 'clusterIP' : K;

/** A T in the typed source, with expressions, conditions and loops anywhere inside. */
export type Tree<T> = T extends Amount
  ? string | number | Expr<string | number>
  : T extends Scalar
    ? T | Expr<T> | When<T | Expr<T>>
    : T extends Date
      ? string
      : T extends readonly (infer I)[]
        ? readonly Item<I>[] | Expr<T>
        : T extends object
          ? | {
                readonly [K in keyof T as JsonName<K>]:
                  Tree<T[K]> | When<Tree<T[K]>> | (undefined extends T[K] ? undefined : never);
              }
            | EntryMap<T>
            | Expr<T>
          : unknown;
type Item<I> = Tree<I> | When<Tree<I>> | Each<Tree<I>> | Spread<readonly I[]> | When<readonly Item<I>[]>;

export const when = <const V, const W = never>(cond: Expr<boolean>, yes: V, otherwise?: W): When<V | W> => ({
  [NODE]: { kind: 'when', cond, yes, no: otherwise },
});

const local = <T>(name: string, path: readonly string[] = [], type: ValueType = 'any'): Expr<T> =>
  expr({ kind: 'local', name, path, type });

/** The field `field` of the loop's variable. `type` decides its YAML form. */
export interface Local<T> {
  readonly it: Expr<T>;
  /** The variable itself, written by its known type. */
  as(type: ValueType): Expr<T>;
  field<K extends keyof T & string>(name: K, type: ValueType): Expr<T[K]>;
}
const localOf = <T>(name: string, type: ValueType): Local<T> => ({
  it: local<T>(name, [], type),
  as: (as) => local<T>(name, [], as),
  field: (field, fieldType) => local(name, [field], fieldType),
});

const names = (what: string) => ({ item: what, key: `${what}Key` });

/** An item per element. `what` names the loop's variable in the chart; it must differ from that of a loop around it. */
export function each<T, const V>(over: Expr<readonly T[]>, what: string, body: (item: Local<T>) => V): Each<V> {
  return { [NODE]: { kind: 'each', over, ...names(what), body: body(localOf<T>(what, 'any')) } };
}

/** An item per entry of a map, in the order of the keys. */
export function eachOf<T, const V>(
  over: Expr<Readonly<Record<string, T>>>,
  what: string,
  body: (key: Expr<string>, item: Local<T>) => V,
  type: ValueType = 'any',
): Each<V> {
  const { item, key } = names(what);
  return {
    [NODE]: { kind: 'each', over, item, key, body: body(local<string>(key, [], 'string'), localOf<T>(item, type)) },
  };
}

/** An entry per entry of a map. */
export function eachEntry<T>(
  over: Expr<Readonly<Record<string, T>>>,
  what: string,
  entry: (key: Expr<string>, item: Local<T>) => readonly [Expr<string>, unknown],
  type: ValueType = 'any',
): EachEntry {
  const { item, key } = names(what);
  const [name, body] = entry(local<string>(key, [], 'string'), localOf<T>(item, type));
  return { [NODE]: { kind: 'eachEntry', over, item, key, name, body } };
}

export const spread = <T>(of: Expr<T>): Spread<T> => ({ [NODE]: { kind: 'spread', of } });

export type Part<T> =
  | Partial<{ readonly [K in keyof T as JsonName<K>]: Tree<T[K]> | When<Tree<T[K]>> }>
  | When<unknown>
  | Spread<unknown>
  | EachEntry
  | EntryMap<unknown>;

/** A map of fixed entries (objects), conditional ones (`when(cond, {…})`), spread maps and loops; no key may occur twice. */
export const entries = <T = Record<string, unknown>>(...parts: readonly Part<T>[]): EntryMap<T> => ({
  [NODE]: { kind: 'entries', parts },
});

/** Entries that have a name in the chart. */
export const namedEntries = (name: string, about: string, of: EntryMap<unknown>): EntryMap<Record<string, string>> => ({
  [NODE]: { kind: 'include', helper: { name, about, entries: of[NODE] } },
});
