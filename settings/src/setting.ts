import type { Kind } from './kinds/kind.ts';

/** One environment variable of a program: its name, kind, default and purpose. */
export interface Setting<T, Y = unknown> {
  readonly name: string;
  readonly kind: Kind<T, Y>;
  /** As it would be written; `null`: none, and the value is undefined unless given; `undefined`: it must be given. */
  readonly default: string | null | undefined;
  /** What the default is, where that is decided elsewhere (`host name`). */
  readonly defaultInWords?: string;
  /** Stands in the documentation's tables, and where a chart has a value for it in the chart's. */
  readonly description: string;
}

export const required = <T, Y>(name: string, kind: Kind<T, Y>, description: string) =>
  ({ name, kind, default: undefined, description }) satisfies Setting<T, Y>;
export const optional = <T, Y>(
  name: string,
  kind: Kind<T, Y>,
  fallback: string,
  description: string,
  more: { defaultInWords?: string } = {},
) => ({ name, kind, default: fallback, description, ...more }) satisfies Setting<T, Y>;
export const absent = <T, Y>(
  name: string,
  kind: Kind<T, Y>,
  description: string,
  more: { defaultInWords?: string } = {},
) => ({ name, kind, default: null, description, ...more }) satisfies Setting<T, Y>;

/** All settings of a program, by field. */
export type Table = Readonly<Record<string, Setting<unknown>>>;

type ValueOf<S> = S extends { kind: Kind<infer T, unknown>; default: infer D }
  ? null extends D
    ? T | undefined
    : T
  : never;

/** The values read by a table, before defaults that depend on other settings. */
export type Settings<T> = { readonly [K in keyof T]: ValueOf<T[K]> };
