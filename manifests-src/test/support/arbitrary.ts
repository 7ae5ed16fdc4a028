import fc, { type Arbitrary } from 'fast-check';
import { isNullable, isSection, leavesOf, type LeafValue, type ValueSchema } from '../../src/values/tree.ts';

/** Texts that YAML or templates would rather take for something else. */
const NASTY = [
  'on',
  'off',
  'yes',
  'no',
  'y',
  'n',
  'null',
  '~',
  'true',
  '0777',
  '0o17',
  '1e3',
  '1_000',
  '12:30:45',
  '2001-01-01',
  '.inf',
  '=',
  '<<',
  '-',
  '?',
  ':',
  '- a',
  'a: b',
  'a #b',
  '{{ .Values.x }}',
  '}}{{',
  '{{- "x" -}}',
  '{{/* c */}}',
  '"quoted"',
  "it's",
  '\\n',
  'line\nline',
  'line\n',
  '\nline',
  '  indented\n line',
  'tab\there',
  'trailing ',
  ' leading',
  '%TAG',
  '@at',
  '`tick`',
  '!tag',
  '&anchor',
  '*alias',
  '|',
  '>',
  '[a]',
  '{a: b}',
  'ünïcödé',
  '日本語',
  '🖥️',
  'a\r\nb',
  '<&>',
  '$(VAR)',
  '${x}',
  '#',
  "'",
  '"',
  '\\',
  '\u00a0',
];

const text = fc.oneof(
  fc.constantFrom(...NASTY),
  // a point alone is text to Helm and kubectl, and a number to the reader of YAML 1.1 by which renders are compared
  fc.string({ maxLength: 12 }).filter((some) => !/^[-+]?[._]+$/.test(some)),
  fc.array(fc.constantFrom(...NASTY), { minLength: 2, maxLength: 3 }).map((all) => all.join('')),
);

const matching = (pattern: string): Arbitrary<string> =>
  fc.stringMatching(new RegExp(pattern.replace(/^\^\$\|/, '')), { size: 'small' });

/** Values of one leaf: its examples, its default, and whatever else its schema takes. */
function leaf(schema: ValueSchema): Arbitrary<unknown> {
  const known = fc.constantFrom(...([schema.default, ...(schema.examples ?? [])] as unknown[]));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'integer') {
    const minimum = schema.minimum ?? 0;
    const maximum = schema.maximum ?? 1_000_000;
    return fc.oneof(
      fc.constantFrom(minimum, maximum),
      fc.integer({ min: minimum, max: Math.min(maximum, minimum + 5) }),
      fc.integer({ min: minimum, max: maximum }),
    );
  }
  if (schema.type === 'string')
    return schema.pattern === undefined ? fc.oneof(text, known) : fc.oneof(known, matching(schema.pattern));
  if (schema.items?.named === true) {
    const name = matching(schema.items.pattern!);
    return fc.oneof(known, fc.array(fc.oneof(name, fc.record({ name }, { noNullPrototype: true })), { maxLength: 3 }));
  }
  if (schema.type === 'array' && schema.open !== true && schema.items !== undefined) {
    const { pattern } = schema.items;
    return fc.oneof(known, fc.array(pattern === undefined ? text : matching(pattern), { maxLength: 3 }));
  }
  if (
    schema.type === 'object' &&
    schema.open === true &&
    schema.propertyNames === undefined &&
    typeof schema.additionalProperties !== 'object'
  ) {
    return fc.oneof(known);
  }
  return known;
}

/** F15: null takes a list or map away. */
const orNull = (schema: ValueSchema): Arbitrary<unknown> =>
  isNullable(schema) ? fc.oneof({ weight: 9, arbitrary: leaf(schema) }, fc.constant(null)) : leaf(schema);

const put = (into: Record<string, unknown>, path: readonly string[], value: unknown): void => {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) into[key] = value;
  else put((into[key] ??= {}) as Record<string, unknown>, rest, value);
};

/** Values by path, as a tree. */
export function treeOf(leaves: readonly (readonly [readonly string[], unknown])[]): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of leaves) put(tree, path, value);
  return tree;
}

export type Leaves = readonly (readonly [readonly string[], unknown])[];

/** Some values of a schema: each leaf is set with the probability `share`. */
export function valuesOf(schema: ValueSchema, share: number): Arbitrary<Leaves> {
  if (!isSection(schema)) throw new Error('not a schema of values');
  const leaves = leavesOf(schema);
  return fc
    .tuple(...leaves.map((each) => fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), orNull(each.schema))))
    .map((chosen) =>
      chosen.flatMap(([chance, value], index) => (chance < share ? [[leaves[index]!.path, value] as const] : [])),
    );
}

/** A value other than the default, that the schema takes. */
export function otherThanDefault({ schema }: LeafValue): unknown {
  const same = JSON.stringify(schema.default);
  const candidates = [
    ...(schema.examples ?? []),
    ...(schema.enum ?? []),
    ...(schema.type === 'boolean' ? [schema.default !== true] : []),
    ...(schema.type === 'integer'
      ? [Math.max((schema.default as number) - 1, schema.minimum ?? 0), (schema.default as number) + 1]
      : []),
    ...(schema.type === 'string' && schema.pattern === undefined && schema.enum === undefined ? ['other'] : []),
  ];
  return candidates.find((each) => JSON.stringify(each) !== same);
}
