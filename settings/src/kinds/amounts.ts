import type { Kind } from './kind.ts';

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
/** Longest delay of a platform's timer: a longer one fires at once. */
const LONGEST_TIMER = 24 * 86_400_000;

/** The text of a duration in milliseconds, in as few units as it has: `1h30m`. */
function printDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** In one unit, for words: 8760h, 36h, 800ms. */
function inOneUnit(ms: number): string {
  if (ms === 0) return '0s';
  const [unit, size] = Object.entries(UNIT_MS).find(([, each]) => ms % each === 0)!;
  return `${ms / size}${unit}`;
}

/** Milliseconds; written as `500ms`, `30s`, `5m`, `1h`, or several of them (`1h30m`). Bounds in milliseconds. */
export function duration(min = 1, max = LONGEST_TIMER): Kind<number> {
  return {
    takes: `a duration such as 500ms, 30s, 5m or 1h30m, from ${inOneUnit(min)} to ${inOneUnit(max)}`,
    parse(text) {
      if (!/^(\d{1,12}(\.\d{1,9})?(ms|s|m|h)){1,8}$/.test(text)) return undefined;
      let sum = 0;
      for (const [, number, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g))
        sum += Number(number) * UNIT_MS[unit!]!;
      const ms = Math.round(sum);
      return ms >= min && ms <= max ? ms : undefined;
    },
    print: printDuration,
    written: { type: 'string', pattern: '^([0-9]{1,6}(ms|s|m|h)){1,8}$' },
    range: { min, max },
    examples: [...new Set([min, max].map(printDuration))],
  };
}

/** Cores; written as `2`, `0.5` or `1000m`. */
export const cpu: Kind<number, string | number> = {
  takes: 'an amount of CPU such as 500m, 2 or 0.5',
  parse(text) {
    const match = /^(\d{1,9}(?:\.\d{1,20})?)(m?)$/.exec(text);
    const cores = match === null ? 0 : Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
    return cores > 0 && cores <= 65_536 ? cores : undefined;
  },
  print: (cores) => (Number.isInteger(cores) ? `${cores}` : `${Math.round(cores * 1000)}m`),
  written: {
    type: ['string', 'number'],
    pattern: '^([1-9][0-9]{0,3}(\\.[0-9]{1,3})?|0\\.[0-9]{0,2}[1-9]0{0,2}|[1-9][0-9]{0,6}m)$',
    minimum: 0.001,
    maximum: 9999,
  },
  examples: ['1m', '9999', '0.001', '250m', 2, 0.5, 9999],
};

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
/** Whole and fractional amounts with so many digits before the point: less than 2^50 bytes in any of the units. */
const amount = (digits: number, units: string) =>
  `([1-9][0-9]{0,${digits - 1}}(\\.[0-9]{1,3})?|0\\.[0-9]{0,2}[1-9]0{0,2})(${units})`;

/** Bytes; written as `512Mi`, `2Gi` or `10G`. */
export const bytes: Kind<number> = {
  takes: 'an amount of bytes such as 512Mi, 2Gi or 10G',
  parse(text) {
    const match = /^(\d{1,16}(?:\.\d{1,20})?)(|k|M|G|T|Ki|Mi|Gi|Ti)$/.exec(text);
    const value = match === null ? 0 : Math.round(Number(match[1]) * BYTES[match[2]!]!);
    return value > 0 && Number.isSafeInteger(value) ? value : undefined;
  },
  print(value) {
    const [unit, size] = ['Ti', 'Gi', 'Mi', 'Ki']
      .map((each) => [each, BYTES[each]!] as const)
      .find(([, each]) => value % each === 0) ?? ['', 1];
    return `${value / size}${unit}`;
  },
  written: {
    type: 'string',
    pattern: `^([1-9][0-9]{0,14}|${amount(12, 'k|Ki')}|${amount(9, 'M|Mi')}|${amount(6, 'G|Gi')}|${amount(3, 'T|Ti')})$`,
  },
  examples: ['1', '999Ti', '0.001k', '3Gi', '10G'],
};

/** A whole number in decimal. */
export function integer(min: number, max: number): Kind<number, number> {
  return {
    takes: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
    print: String,
    written: { type: 'integer', minimum: min, maximum: max },
    examples: [min, max],
  };
}

/** A TCP port. */
export const port: Kind<number, number> = { ...integer(1, 65_535), takes: 'a port from 1 to 65535' };

/** A TCP port to listen on; 0 lets the system choose a free one. */
export const listenPort: Kind<number, number> = {
  ...integer(0, 65_535),
  takes: 'a port from 1 to 65535, or 0 for any free one',
  // a Service needs to know it
  written: { type: 'integer', minimum: 1, maximum: 65_535 },
  examples: [1, 65_535],
};

export const boolean: Kind<boolean, boolean> = {
  takes: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  print: String,
  written: { type: 'boolean' },
  examples: [true, false],
};
