import type { Expr } from '../nodes/expression.ts';
import type { Check } from '../objects/check.ts';
import type { Resource } from '../objects/resource.ts';
import type { FixedClaim } from '../render/upgrade-check.ts';
import type { ValueSchema } from '../values/tree.ts';

/** A line of NOTES.txt: text and expressions, one after the other; with `when`, only if. */
export type NoteLine =
  readonly (string | Expr<string>)[] | { readonly when: Expr<boolean>; readonly lines: readonly NoteLine[] };

/** Everything that a chart is made of: the one source of its templates, its schema and its plain manifests. */
export interface ChartSource {
  /** Its folder at the root of the repository. */
  readonly folder: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly appVersion: string;
  readonly keywords: readonly string[];
  /** What its named templates start with. */
  readonly prefix: string;
  readonly schema: ValueSchema;
  readonly resources: readonly Resource[];
  readonly checks: readonly Check[];
  /** What an upgrade must leave as it is. */
  readonly fixedClaim?: FixedClaim;
  readonly notes: readonly NoteLine[];
  /** Markdown that opens its README. */
  readonly introduction: string;
}
