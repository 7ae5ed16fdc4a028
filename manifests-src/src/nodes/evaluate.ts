import { type Builtin, type Expr, isExpr, NODE } from './expression.ts';
import { byBytes, FUNCTIONS, truthy } from './functions.ts';
import type { Each, EachEntry, EntryMap, Spread, When } from './tree.ts';

/** Input of a render. `values` are complete: defaults merged with the user's. */
export interface RenderContext {
  readonly values: unknown;
  readonly release: { readonly name: string; readonly namespace: string; readonly service: string };
  readonly chart: { readonly name: string; readonly version: string; readonly appVersion: string };
}
type Locals = Readonly<Record<string, unknown>>;

/** Result of an absent tree. */
export const ABSENT: unique symbol = Symbol('absent');

const at = (thing: unknown, path: readonly string[]): unknown =>
  path.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], thing);

/** The value of an expression. */
export function valueOf<T>(expression: Expr<T>, context: RenderContext, locals: Locals = {}): T {
  const run = (each: Expr<unknown>): unknown => {
    const node = each[NODE];
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'value':
        return at(context.values, node.path);
      case 'builtin':
        return builtin(node.name, context);
      case 'local':
        return at(locals[node.name], node.path);
      case 'call':
        return (FUNCTIONS[node.name].run as (...args: unknown[]) => unknown)(...node.args.map(run));
      case 'choice':
        return run(run(node.cond) ? node.yes : node.no);
      case 'helper':
        return 'text' in node.helper ? run(node.helper.text) : undefined;
    }
  };
  return run(expression) as T;
}

function builtin(name: Builtin, { release, chart }: RenderContext): string {
  const [group, field] = name.split('.') as [string, string];
  return ((group === 'release' ? release : chart) as Record<string, string>)[field]!;
}

type Node = (When<unknown> | Each<unknown> | Spread<unknown> | EachEntry | EntryMap<unknown>)[typeof NODE];
const nodeOf = (thing: unknown): Node | undefined =>
  typeof thing === 'object' && thing !== null && NODE in thing ? (thing as { [NODE]: Node })[NODE] : undefined;

/** Plain data of a tree; ABSENT if conditions removed all of it. */
export function evaluate(tree: unknown, context: RenderContext, locals: Locals = {}): unknown {
  if (tree === undefined) return ABSENT;
  if (isExpr(tree)) return valueOf(tree, context, locals);
  if (Array.isArray(tree)) {
    if (tree.length === 0) return [];
    const items = tree.flatMap((item) => listItems(item, context, locals));
    return items.length === 0 ? ABSENT : items;
  }
  if (typeof tree !== 'object' || tree === null) return tree;
  const node = nodeOf(tree);
  if (node?.kind === 'when') return evaluate(valueOf(node.cond, context, locals) ? node.yes : node.no, context, locals);
  if (node === undefined && Object.keys(tree).length === 0) return {};
  const found = mapEntries(tree, context, locals);
  if (found.length === 0) return ABSENT;
  const map = Object.fromEntries(found);
  if (Object.keys(map).length < found.length)
    throw new Error(`a key occurs twice among ${found.map(([key]) => key).join(', ')}`);
  return map;
}

function listItems(item: unknown, context: RenderContext, locals: Locals): unknown[] {
  const node = nodeOf(item);
  if (node?.kind === 'when') {
    const chosen = valueOf(node.cond, context, locals) ? node.yes : node.no;
    return Array.isArray(chosen)
      ? chosen.flatMap((each) => listItems(each, context, locals))
      : listItems(chosen, context, locals);
  }
  if (node?.kind === 'spread') return [...((valueOf(node.of, context, locals) as unknown[] | undefined) ?? [])];
  if (node?.kind === 'each') {
    return elements(valueOf(node.over, context, locals)).flatMap(([key, value]) =>
      listItems(node.body, context, { ...locals, [node.item]: value, [node.key]: key }),
    );
  }
  const value = evaluate(item, context, locals);
  return value === ABSENT ? [] : [value];
}

function mapEntries(part: unknown, context: RenderContext, locals: Locals): [string, unknown][] {
  const node = nodeOf(part);
  switch (node?.kind) {
    case undefined:
      return Object.entries(part as object).flatMap(([key, tree]) => entry(key, evaluate(tree, context, locals)));
    case 'entries':
      return node.parts.flatMap((each) => mapEntries(each, context, locals));
    case 'include':
      return mapEntries({ [NODE]: node.helper.entries }, context, {});
    case 'when': {
      const chosen = valueOf(node.cond, context, locals) ? node.yes : node.no;
      return chosen === undefined ? [] : mapEntries(chosen, context, locals);
    }
    case 'spread':
      return Object.entries((valueOf(node.of, context, locals) as object | undefined) ?? {});
    case 'eachEntry':
      return elements(valueOf(node.over, context, locals)).flatMap(([key, value]) => {
        const inner = { ...locals, [node.item]: value, [node.key]: key };
        return entry(valueOf(node.name, context, inner), evaluate(node.body, context, inner));
      });
    default:
      throw new Error(`${node!.kind} can't stand among the entries of a map`);
  }
}

const entry = (key: string, value: unknown): [string, unknown][] => (value === ABSENT ? [] : [[key, value]]);

function elements(thing: unknown): [string | number, unknown][] {
  if (!truthy(thing)) return [];
  if (Array.isArray(thing)) return thing.map((value, index) => [index, value]);
  return Object.entries(thing as object).sort(([a], [b]) => byBytes(a, b));
}
