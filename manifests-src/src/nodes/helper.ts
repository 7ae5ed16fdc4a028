import { type Expr, expr } from './expression.ts';
import type { EntriesNode } from './tree.ts';

/** A named piece of a chart: a text, or keys of a map. In a chart it becomes a `define` of _helpers.tpl. */
export type Helper =
  | { readonly name: string; readonly about: string; readonly text: Expr<string> }
  | { readonly name: string; readonly about: string; readonly entries: EntriesNode };

/** A text that has a name in the chart. `name` gets the chart's prefix: `fullname` becomes `streamspace.fullname`. */
export const named = (name: string, about: string, text: Expr<string>): Expr<string> =>
  expr({ kind: 'helper', helper: { name, about, text } });
