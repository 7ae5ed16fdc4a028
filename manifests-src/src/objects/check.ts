import type { Expr, Of } from '../nodes/expression.ts';

/** A combination of values that can't work. `say` is one line: what is wrong, and the remedy. */
export interface Check {
  readonly when: Expr<boolean>;
  readonly say: Of<string>;
}
export const refuse = (when: Expr<boolean>, say: Of<string>): Check => ({ when, say });
