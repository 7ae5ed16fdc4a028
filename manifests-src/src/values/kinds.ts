import Type, { type TSchema, type TUnsafe } from 'typebox';
import type { Setting } from '@streamspace/settings';
import type { DocumentSchema } from './documents.ts';
import type { Opaque } from './refs.ts';

/** Parts of every value: its purpose and its default. `examples` are other values for tests. */
interface Leaf<T> {
  readonly default: T;
  readonly examples?: readonly T[];
}

/** A group of values. Unknown keys are refused. */
export const section = <const P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Object(properties, { description, additionalProperties: false });

export const flag = (description: string, fallback: boolean) => Type.Boolean({ description, default: fallback });

/** Any text. */
export const string = (description: string, fallback: string, examples?: readonly string[]) =>
  Type.String({ description, default: fallback, ...(examples && { examples }) });

/** A text that matches. An empty one is allowed if that is the default: it means "none". `takes` is the message for an invalid value. */
export const pattern = (
  description: string,
  takes: string,
  regex: string,
  fallback: string,
  examples: readonly string[],
) => Type.String({ description, default: fallback, pattern: fallback === '' ? `^$|${regex}` : regex, takes, examples });

export const choice = <const T extends readonly string[]>(description: string, among: T, fallback: T[number]) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: among, description, default: fallback });

export const integer = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: fallback, minimum, maximum });

export const port = (description: string, fallback: number) => integer(description, fallback, 1, 65_535);

/**
 * A value that becomes a program's setting: type, schema, default, description and messages are the setting's. `otherwise` explains an empty
 * value; `description` and `default` replace the setting's if the chart differs from the program.
 */
export function fromSetting<T, Y>(
  setting: Setting<T, Y>,
  more: { description?: string; otherwise?: string; default?: Y; takes?: string } = {},
): TUnsafe<Y> {
  const { kind } = setting;
  const { written } = kind;
  const fallback = more.default ?? (asWritten(setting) as Y);
  const said = more.description ?? setting.description;
  const optional = fallback === '' && written.pattern !== undefined;
  return Type.Unsafe<Y>({
    ...written,
    ...(optional ? { pattern: `^$|${written.pattern}` } : {}),
    description: `${said[0]!.toUpperCase()}${said.slice(1)}${more.otherwise === undefined ? '' : `; empty: ${more.otherwise}`}`,
    default: fallback,
    takes: more.takes ?? (written.type === 'array' ? 'a list' : kind.takes),
    examples: kind.examples,
    setting: setting.name,
    ...(kind.range === undefined ? {} : { range: kind.range }),
  });
}

/** The default as YAML; without one, an empty value. */
function asWritten({ kind, default: fallback }: Setting<unknown>): unknown {
  const text = fallback ?? '';
  switch (kind.written.type) {
    case 'integer':
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'array':
      return text === '' ? [] : text.split(',');
    default:
      return text;
  }
}

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

/** Name of an object (DNS-1123 subdomain). */
export const objectName = (description: string, fallback = '', examples: readonly string[] = ['some-name']) =>
  pattern(
    description,
    'a name of lower case letters, digits, dashes and dots',
    `^${LABEL}(\\.${LABEL})*$`,
    fallback,
    examples,
  );

/** Name of at most 63 characters (DNS-1123 label). */
export const labelName = (description: string, fallback = '', examples: readonly string[] = ['some-name']) =>
  pattern(description, 'a name of lower case letters, digits and dashes, at most 63', `^${LABEL}$`, fallback, examples);

export const duration = (description: string, fallback: string, examples: readonly string[] = ['7s', '1m30s']) =>
  pattern(description, 'a duration such as 500ms, 30s, 5m or 1h30m', '^([0-9]{1,6}(ms|s|m|h))+$', fallback, examples);

/** Kubernetes quantity of a resource, as a text. */
export const quantity = (description: string, fallback: string, examples: readonly string[] = ['3Gi']) =>
  pattern(
    description,
    'an amount such as 500m, 2, 512Mi or 10Gi',
    '^[0-9]{1,9}(\\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$',
    fallback,
    examples,
  );

const itemType = (item: unknown) =>
  typeof item === 'string' ? 'string' : typeof item === 'number' ? 'integer' : 'object';

/** A value of a Kubernetes type, passed on unchanged. */
export const open = <T>(
  description: string,
  fallback: T,
  examples: readonly T[],
  more: object = {},
): TUnsafe<Opaque<T>> =>
  Type.Unsafe<Opaque<T>>(
    Array.isArray(fallback)
      ? {
          type: 'array',
          items: { type: itemType((examples[0] as readonly unknown[])[0]) },
          description,
          default: fallback,
          examples,
          open: true,
          ...more,
        }
      : { type: 'object', additionalProperties: true, description, default: fallback, examples, open: true, ...more },
  );

/** A value of a Kubernetes type, checked by its own schema: a `Toleration`, a `[]EnvVar`, a `{}string`. */
export const kube = <T>(type: string, description: string, fallback: T, examples: readonly T[]): TUnsafe<Opaque<T>> =>
  Type.Unsafe<Opaque<T>>({
    type: Array.isArray(fallback) ? 'array' : 'object',
    kube: type,
    open: true,
    description,
    default: fallback,
    examples,
  });

/** A list that a program reads as JSON, each item checked by the program's own schema. */
export const documents = <T>(description: string, document: DocumentSchema, examples: readonly T[][]) =>
  Type.Unsafe<Opaque<T[]>>({ type: 'array', document, open: true, description, default: [], examples });

/** A number or a percentage, `2` or `25%`; empty: none. */
export const countOrShare = (description: string, fallback: number | string, examples: readonly (number | string)[]) =>
  Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    pattern: '^$|^(0|[1-9][0-9]?|100)%$',
    minimum: 0,
    description,
    default: fallback,
    examples,
    takes: 'a whole number, or a percentage from 0% to 100%',
  });

/** Texts by key. */
const map = (description: string, more: object, examples: readonly Record<string, string>[]) =>
  Type.Unsafe<Opaque<Readonly<Record<string, string>>>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    description,
    default: {},
    examples,
    ...more,
  });

const PREFIXED = '([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';

/** Labels that a user adds. Ours can't be replaced, because selectors depend on them. */
export const labels = (description: string) =>
  Type.Unsafe<Opaque<Readonly<Record<string, string>>>>({
    type: 'object',
    additionalProperties: { type: 'string', pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$' },
    propertyNames: {
      pattern: `^${PREFIXED}$`,
      not: { pattern: '^(app\\.kubernetes\\.io|helm\\.sh|pod-security\\.kubernetes\\.io|streamspace\\.dev)/' },
    },
    description,
    default: {},
    examples: [{ team: 'desktops', 'example.com/on': 'on' }, { version: '0777' }],
    open: true,
  });

/** Annotations that a user adds. */
export const annotations = (description: string) =>
  map(
    description,
    {
      propertyNames: {
        pattern: `^${PREFIXED}$`,
        not: { pattern: '^(grafana_folder$|checksum/|meta\\.helm\\.sh/|helm\\.sh/)' },
      },
      open: true,
    },
    [{ 'example.com/note': 'a {{ brace }}, "quotes"\nand a line' }, { owner: 'on', mode: '0777' }],
  );

/** A map of texts with free keys of a kind. */
export const texts = (description: string, keys: string, examples: readonly Record<string, string>[]) =>
  map(description, { propertyNames: { pattern: keys }, open: true }, examples);

/** A list of texts. */
export const list = (
  description: string,
  fallback: readonly string[],
  examples: readonly (readonly string[])[],
  items: object = {},
) =>
  Type.Unsafe<readonly string[]>({
    type: 'array',
    items: { type: 'string', ...items },
    description,
    default: fallback,
    examples,
  });

/** A list of names of objects: texts, or maps as Kubernetes has references, `{name: …}`. */
export const names = (
  description: string,
  takes: string,
  pattern: string,
  examples: readonly (readonly NameOrReference[])[],
) =>
  Type.Unsafe<Opaque<readonly NameOrReference[]>>({
    type: 'array',
    items: { pattern, takes, named: true },
    description,
    default: [],
    examples,
  });

export type NameOrReference = string | { readonly name: string };
export type { Leaf };
