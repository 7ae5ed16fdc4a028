import type { Expr } from '../nodes/expression.ts';
import type { Check } from '../objects/check.ts';
import type { ReleaseObject } from '../objects/resource.ts';
import type { FixedClaim } from '../render/upgrade-check.ts';
import type { ValueSchema } from '../values/tree.ts';

/** A line of NOTES.txt: text and expressions in sequence; with `when` only under that condition. */
export type NoteLine =
  readonly (string | Expr<string>)[] | { readonly when: Expr<boolean>; readonly lines: readonly NoteLine[] };

/** All parts of a chart: the single source of its templates, its schema and its plain manifests. */
export interface ChartSource {
  /** Its folder at the root of the repository. */
  readonly folder: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly appVersion: string;
  readonly keywords: readonly string[];
  /** Prefix of its named templates. */
  readonly prefix: string;
  readonly schema: ValueSchema;
  readonly resources: readonly ReleaseObject[];
  readonly checks: readonly Check[];
  /** Parts that an upgrade must not change. */
  readonly fixedClaim?: FixedClaim;
  readonly notes: readonly NoteLine[];
  /** Markdown that opens its README. */
  readonly introduction: string;
}
