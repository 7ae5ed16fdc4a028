import { and, concat, given, gt, lt, milliseconds, or } from '../nodes/build.ts';
import { expr } from '../nodes/expression.ts';
import { leavesOf, type ValueSchema } from '../values/tree.ts';
import { takes } from '../values/validate.ts';
import { type Check, refuse } from './check.ts';

/** Durations outside of the programs' range: a schema can't compare them. */
export function rangeChecks(schema: ValueSchema): Check[] {
  return leavesOf(schema).flatMap(({ path, schema: leaf }) => {
    if (leaf.range === undefined) return [];
    const { min, max } = leaf.range;
    const value = expr<string>({ kind: 'value', path, type: 'string' });
    const ms = milliseconds(value);
    return [
      refuse(
        and(given(value), or(lt(ms, min), gt(ms, max))),
        concat(`${path.join('.')}: takes ${takes(leaf)}; given was `, value),
      ),
    ];
  });
}
