/** How the text of one variable becomes a value. `takes` is shown to whoever got it wrong, and in the generated tables. */
export interface Kind<T> {
  readonly takes: string;
  /** undefined: the text is not one of these. */
  parse(text: string): T | undefined;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds; written as `500ms`, `30s`, `5m`, `1h`, or several of them (`1h30m`). */
export function duration(min = 1): Kind<number> {
  return {
    takes: `a duration such as 500ms, 30s, 5m or 1h30m${min > 1 ? `, at least ${min}ms` : ''}`,
    parse(text) {
      if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
      let sum = 0;
      for (const [, number, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g))
        sum += Number(number) * UNIT_MS[unit!]!;
      const ms = Math.round(sum);
      // beyond this a platform timer fires at once
      return ms >= min && ms <= 0x7fffffff ? ms : undefined;
    },
  };
}

/** Cores; written as `2`, `0.5` or `1000m`. */
export const cpu: Kind<number> = {
  takes: 'an amount of CPU such as 500m, 2 or 0.5',
  parse(text) {
    const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text);
    const cores = match === null ? 0 : Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
    return cores > 0 && cores <= 65_536 ? cores : undefined;
  },
};

const BYTES: Record<string, number> = {
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

/** Bytes; written as `512Mi`, `2Gi` or `10G`. */
export const bytes: Kind<number> = {
  takes: 'an amount of bytes such as 512Mi, 2Gi or 10G',
  parse(text) {
    const match = /^(\d+(?:\.\d+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)$/.exec(text);
    const value = match === null ? 0 : Math.round(Number(match[1]) * BYTES[match[2]!]!);
    return value > 0 && Number.isSafeInteger(value) ? value : undefined;
  },
};

export function integer(min: number, max: number): Kind<number> {
  return {
    takes: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A TCP port to listen on; 0 lets the system choose a free one. */
export const listenPort: Kind<number> = {
  ...integer(0, 65_535),
  takes: 'a port from 1 to 65535, or 0 for any free one',
};

export const boolean: Kind<boolean> = {
  takes: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};

export function oneOf<const T extends string>(...values: T[]): Kind<T> {
  return {
    takes: values.length === 1 ? values[0]! : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    parse: (text) => values.find((value) => value === text),
  };
}

/** Any text that matches `pattern`. */
export function text(takes: string, pattern: RegExp = /^[^\0]*$/): Kind<string> {
  return { takes, parse: (value) => (pattern.test(value) ? value : undefined) };
}

/** A URL with one of these schemes (`ws:`), as it was written. */
export function url(takes: string, ...schemes: string[]): Kind<string> {
  return {
    takes,
    parse(value) {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      return parsed !== undefined && schemes.includes(parsed.protocol) && parsed.hostname !== '' && parsed.hash === ''
        ? value
        : undefined;
    },
  };
}

/** Which lock the replicas of an agent share. */
export interface LeaseLock {
  readonly kind: 'file' | 'memory' | 'kubernetes' | 'redis';
  /** What follows the colon: a path, a Lease's name, a URL; empty: the default of its kind. */
  readonly target: string;
}

export const leaseLock: Kind<LeaseLock> = {
  takes: 'file, file:/path, memory, kubernetes, kubernetes:NAME or redis://host:port',
  parse(value) {
    if (/^rediss?:\/\/[^\s]+$/.test(value)) return { kind: 'redis', target: value };
    const match = /^(file|memory|kubernetes)(?::(.+))?$/.exec(value);
    if (match === null || (match[1] === 'memory' && match[2] !== undefined)) return undefined;
    return { kind: match[1] as LeaseLock['kind'], target: match[2] ?? '' };
  },
};
