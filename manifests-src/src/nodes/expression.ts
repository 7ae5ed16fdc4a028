import type { FunctionName } from './functions.ts';

/** Carries the node inside an expression; a symbol, so that it can't collide with the name of a value. */
export const NODE: unique symbol = Symbol('node');
declare const TYPE: unique symbol;

/** A value, or a computation of values, known only when a release is rendered. Evaluated, it is a T. */
export interface Expr<out T> {
  readonly [NODE]: ExprNode;
  readonly [TYPE]?: T;
}

/** How a value is written into YAML, from its schema. */
export type ValueType = 'string' | 'integer' | 'boolean' | 'any';

export type Builtin =
  'release.name' | 'release.namespace' | 'release.service' | 'chart.name' | 'chart.version' | 'chart.appVersion';

export type ExprNode =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'value'; readonly path: readonly string[]; readonly type: ValueType }
  | { readonly kind: 'builtin'; readonly name: Builtin }
  | { readonly kind: 'local'; readonly name: string; readonly path: readonly string[]; readonly type: ValueType }
  | {
      readonly kind: 'call';
      readonly name: FunctionName;
      readonly args: readonly Expr<unknown>[];
      readonly type: ValueType;
    }
  | {
      readonly kind: 'choice';
      readonly cond: Expr<boolean>;
      readonly yes: Expr<unknown>;
      readonly no: Expr<unknown>;
    }
  | { readonly kind: 'helper'; readonly helper: Helper };

/** The parts of a map that is composed. */
export type EntriesNode =
  | { readonly kind: 'entries'; readonly parts: readonly unknown[] }
  | { readonly kind: 'include'; readonly helper: Helper & { entries: EntriesNode } };

/** A named piece of a chart: a text, or keys of a map. In a chart it becomes a `define` of _helpers.tpl. */
export type Helper =
  | { readonly name: string; readonly about: string; readonly text: Expr<string> }
  | { readonly name: string; readonly about: string; readonly entries: EntriesNode };

export const expr = <T>(node: ExprNode): Expr<T> => ({ [NODE]: node });

export const isExpr = (thing: unknown): thing is Expr<unknown> =>
  typeof thing === 'object' &&
  thing !== null &&
  NODE in thing &&
  ['literal', 'value', 'builtin', 'local', 'call', 'choice', 'helper'].includes((thing as Expr<unknown>)[NODE].kind);

/** How the result of an expression is written into YAML. */
export function typeOf(expression: Expr<unknown>): ValueType {
  const node = expression[NODE];
  switch (node.kind) {
    case 'literal':
      return typeof node.value === 'string'
        ? 'string'
        : typeof node.value === 'boolean'
          ? 'boolean'
          : Number.isSafeInteger(node.value)
            ? 'integer'
            : 'any';
    case 'value':
    case 'local':
    case 'call':
      return node.type;
    case 'builtin':
    case 'helper':
      return 'string';
    case 'choice': {
      const [yes, no] = [typeOf(node.yes), typeOf(node.no)];
      return yes === no ? yes : 'any';
    }
  }
}

/** A known T, or an expression of one. */
export type Of<T> = T | Expr<T>;

export const lift = <T>(thing: Of<T>): Expr<T> => (isExpr(thing) ? thing : expr<T>({ kind: 'literal', value: thing }));
