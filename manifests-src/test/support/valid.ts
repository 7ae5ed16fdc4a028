import type { ChartSource } from '../../src/charts/chart.ts';
import { refusalsOf, type Release } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { type Leaves, treeOf } from './arbitrary.ts';

/** What is wrong with values; undefined: nothing. */
export function problems(source: ChartSource, release: Release, values: unknown): readonly string[] | undefined {
  const found = refusalsOf(source, release, values);
  return found.length === 0 ? undefined : found;
}

/**
 * Values that work: of random ones, those are given up that a problem names, until there is none.
 * Problems start with the paths of the values that they are about.
 */
export function repaired(
  source: ChartSource,
  release: Release,
  base: unknown,
  random: Leaves,
): Record<string, unknown> {
  let leaves = random;
  for (;;) {
    const values = coalesceValues(base, treeOf(leaves)) as Record<string, unknown>;
    const found = problems(source, release, values);
    if (found === undefined) return values;
    const paths = found.flatMap((problem) => /^([\w., ]+):/.exec(problem)![1]!.split(', '));
    const kept = leaves.filter(
      ([path]) =>
        !paths.some(
          (named) => `${path.join('.')}.`.startsWith(`${named}.`) || `${named}.`.startsWith(`${path.join('.')}.`),
        ),
    );
    if (kept.length === leaves.length) {
      // what is named was not given: the rest of its group is at fault
      const groups = paths.map((path) => path.split('.').slice(0, -1).join('.'));
      const fewer = leaves.filter(([path]) => !groups.some((group) => `${path.join('.')}.`.startsWith(`${group}.`)));
      const remedied = fewer.filter(([path]) => !found.some((problem) => problem.includes(path.join('.'))));
      if (remedied.length === leaves.length) throw new Error(`can't repair: ${found.join('; ')}`);
      leaves = fewer.length < leaves.length ? fewer : remedied;
    } else leaves = kept;
  }
}
