import type { TSchema } from 'typebox';
import { type Expr, expr, type ValueType } from '../nodes/expression.ts';

declare const OPAQUE: unique symbol;
/** A value that the charts pass on without inspection. */
export interface Opaque<T> {
  readonly [OPAQUE]: T;
}

/** The values of a chart as expressions, by the same paths. */
export type Refs<T> = [T] extends [Opaque<infer O>]
  ? Expr<O>
  : Expr<T> &
      ([T] extends [string | number | boolean | readonly unknown[]]
        ? unknown
        : { readonly [K in keyof T]-?: Refs<T[K]> });

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly open?: boolean;
}

const written = (schema: Schema): ValueType => {
  const { type } = schema;
  return type === 'string' || type === 'integer' || type === 'boolean' ? type : 'any';
};

/** Makes the expressions of every value in a schema. */
export function refsOf<T>(schema: TSchema, path: readonly string[] = []): Refs<T> {
  const known = schema as Schema;
  const reference = expr<unknown>({ kind: 'value', path, type: written(known) });
  const inner = Object.entries(known.properties ?? {}).map(
    ([key, value]) => [key, refsOf(value, [...path, key])] as const,
  );
  return Object.assign(reference, Object.fromEntries(inner)) as unknown as Refs<T>;
}
