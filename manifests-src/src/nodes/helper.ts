import { type Expr, expr } from './expression.ts';

/** A text that has a name in the chart. `name` gets the chart's prefix: `fullname` becomes `streamspace.fullname`. */
export const named = (name: string, about: string, text: Expr<string>): Expr<string> =>
  expr({ kind: 'helper', helper: { name, about, text } });
