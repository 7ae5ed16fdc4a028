import { ApiObject, App, Chart as Cdk8sChart } from 'cdk8s';
import type { ChartSource } from '../charts/chart.ts';
import { type RenderContext, evaluate, valueOf } from '../nodes/evaluate.ts';
import { lift } from '../nodes/expression.ts';
import { coalesceValues, defaultsOf } from '../values/tree.ts';
import { valueProblems } from '../values/validate.ts';

export interface Release {
  readonly name: string;
  readonly namespace: string;
  /** Value of `app.kubernetes.io/managed-by`. */
  readonly service?: string;
}

export interface SynthOptions {
  /** Also the pods of `helm test`. */
  readonly tests?: boolean;
}

export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** Values that can't work; `problems` has a line for each. */
export class ValuesError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ValuesError';
    this.problems = problems;
  }
}

export function contextOf(source: ChartSource, release: Release, given: unknown): RenderContext {
  return {
    values: coalesceValues(defaultsOf(source.schema), given),
    release: { name: release.name, namespace: release.namespace, service: release.service ?? 'cdk8s' },
    chart: { name: source.name, version: source.version, appVersion: source.appVersion },
  };
}

/** Faults of complete values, one line each: by the schema, or as a combination. */
function refusals(source: ChartSource, context: RenderContext): readonly string[] {
  const invalid = valueProblems(source.schema, context.values);
  if (invalid.length > 0) return invalid;
  return source.checks
    .filter((check) => valueOf(check.when, context))
    .map((check) => valueOf(lift(check.say), context));
}

/** Faults of the values that a user gave; empty: none. */
export const refusalsOf = (source: ChartSource, release: Release, given: unknown): readonly string[] =>
  refusals(source, contextOf(source, release, given));

/** The objects of a release with a user's values. Throws {@link ValuesError}. */
export function objectsOf(
  source: ChartSource,
  release: Release,
  given: unknown,
  options: SynthOptions = {},
): RenderedObject[] {
  const context = contextOf(source, release, given);
  const refused = refusals(source, context);
  if (refused.length > 0) throw new ValuesError(refused);
  const extra = (context.values as { extraObjects?: (RenderedObject | string)[] | null }).extraObjects ?? [];
  const objects = extra.filter((each): each is RenderedObject => typeof each !== 'string');
  if (objects.length < extra.length)
    throw new ValuesError(['extraObjects: has a template, which only Helm renders; write it as an object']);
  const own = source.resources
    .filter((resource) => (options.tests === true || resource.test !== true) && valueOf(resource.when, context))
    .map((resource) => evaluate(resource.tree, context) as RenderedObject);
  return [...own, ...objects];
}

/** A cdk8s app that holds the objects of a release, in a chart of its name. */
export function appOf(
  source: ChartSource,
  release: Release,
  given: unknown,
  options: { outdir?: string } & SynthOptions = {},
): App {
  const app = new App(options.outdir === undefined ? {} : { outdir: options.outdir });
  addChart(app, source, release, given, options);
  return app;
}

/** One release as a cdk8s chart: `cdk8s synth` writes a file of its id. */
export function addChart(
  app: App,
  source: ChartSource,
  release: Release,
  given: unknown,
  options: SynthOptions & { id?: string } = {},
): Cdk8sChart {
  const chart = new Cdk8sChart(app, options.id ?? release.name, { disableResourceNameHashes: true });
  // kubectl applies a file from top to bottom
  const objects = objectsOf(source, release, given, options).sort((a, b) => first(a) - first(b));
  for (const object of objects) {
    new ApiObject(chart, idOf(object), object as never);
  }
  return chart;
}

const first = ({ kind }: RenderedObject): number => (kind === 'Namespace' ? 0 : 1);

const idOf = ({ apiVersion, kind, metadata }: RenderedObject): string =>
  [apiVersion.split('/')[0], kind, metadata.namespace ?? '', metadata.name].join('.').toLowerCase();
