import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT, HUB, type Setting, type Written } from '../../src/index.ts';

const all: readonly (readonly [string, Setting<unknown>])[] = [AGENT, HUB].flatMap((table) =>
  Object.values<Setting<unknown>>(table).map((setting) => [setting.name, setting] as const),
);

/** Whether a YAML value is what `written` says. */
function accepts(written: Written, value: unknown): boolean {
  if (Array.isArray(value)) return written.type === 'array' && value.every((item) => accepts(written.items!, item));
  if (typeof value === 'boolean') return written.type === 'boolean';
  if (typeof value === 'number')
    return (
      (Array.isArray(written.type) || (written.type === 'integer' && Number.isInteger(value))) &&
      value >= written.minimum! &&
      value <= written.maximum!
    );
  if (typeof value !== 'string' || ['array', 'integer', 'boolean'].includes(written.type as string)) return false;
  return (
    (written.enum === undefined || written.enum.includes(value)) &&
    (written.pattern === undefined || new RegExp(written.pattern, 'u').test(value))
  );
}
const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

/** Of an item such as `agent=token`, what may occur once. */
const owner = (item: unknown) => textOf(item).split('=')[0];

/** Values that `written` accepts. */
function arbitrary(written: Written, examples: readonly unknown[]): fc.Arbitrary<unknown> {
  const known = fc.constantFrom(...examples);
  if (written.enum !== undefined || written.type === 'boolean') return known;
  if (written.type === 'integer') return fc.oneof(known, fc.integer({ min: written.minimum!, max: written.maximum! }));
  if (written.type === 'array')
    return fc.uniqueArray(arbitrary(written.items!, examples.flat()), { maxLength: 5, selector: owner });
  const text = fc
    .stringMatching(new RegExp(written.pattern!, 'u'))
    .filter((each) => !/[\^$]/.test(each) || accepts(written, each));
  return written.type === 'string'
    ? fc.oneof(known, text)
    : fc.oneof(known, text, fc.double({ min: written.minimum!, max: written.maximum!, noNaN: true }));
}

describe.each(all)('%s', (_name, { kind, default: fallback }) => {
  const within = (text: string) => {
    if (kind.range === undefined) return true;
    const ms = [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms'],
      0,
    );
    return ms >= kind.range.min && ms <= kind.range.max;
  };

  it('part 1: takes all that may be written, and nothing outside of its range', () => {
    fc.assert(
      fc.property(arbitrary(kind.written, kind.examples), (value) => {
        // an IDN's encoding is checked by URL itself
        fc.pre(!/xn--/i.test(textOf(value)));
        const text = textOf(value);
        if (text !== '') expect(kind.parse(text) !== undefined, text).toBe(within(text));
      }),
      { numRuns: 300 },
    );
  });

  it('part 1: has examples that may be written and that it takes', () => {
    expect(kind.examples.length).toBeGreaterThan(0);
    for (const example of kind.examples) {
      expect(accepts(kind.written, example), textOf(example)).toBe(true);
      expect(kind.parse(textOf(example)), textOf(example)).toBeDefined();
    }
  });

  it('part 1: takes its default', () => {
    if (typeof fallback === 'string') expect(kind.parse(fallback)).toBeDefined();
  });

  it('part 1: prints what it reads as the same again', () => {
    const texts = [
      ...kind.examples.map(textOf),
      ...(typeof fallback === 'string' && fallback !== '' ? [fallback] : []),
    ];
    for (const text of texts) {
      const value = kind.parse(text)!;
      expect(kind.parse(kind.print(value)), text).toEqual(value);
    }
  });

  it('part 1: says in words what it takes', () => {
    expect(kind.takes).not.toMatch(/\^|\[0-9\]|\$$/);
  });
});

describe('tables', () => {
  it.each([AGENT, HUB])('name every variable once, by its field', (table) => {
    for (const [field, { name, description }] of Object.entries<Setting<unknown>>(table)) {
      expect(name).toBe(field.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
      expect(description).not.toBe('');
    }
  });
});
