import { isIP } from 'node:net';
import { REDIS_FORMS, readRedisAddress, withoutPassword } from '../store/redis/address.ts';

/** How one variable is read. `read` gives undefined for what it doesn't take; `takes` says in words what it does. */
export interface Reader<T> {
  readonly takes: string;
  /** The value is a secret: it is never repeated in a message. */
  readonly secret?: boolean;
  /** How a value is repeated in a message: without its secret part. */
  shown?(value: string): string;
  read(value: string): T | undefined;
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const inWords = (ms: number): string => {
  const [unit, size] = (Object.entries(UNITS).toReversed() as [string, number][]).find(([, each]) => ms % each === 0)!;
  return `${ms / size}${unit}`;
};

/** A whole number in decimal. */
export function whole(min: number, max: number): Reader<number> {
  return {
    takes: `a whole number from ${min} to ${max}`,
    read: (value) =>
      /^\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined,
  };
}

/** A length of time (`30s`, `5m`, `1h`, `500ms`), as milliseconds. */
export function duration(min: number, max: number): Reader<number> {
  return {
    takes: `a duration like 30s, 5m or 1h, from ${inWords(min)} to ${inWords(max)}`,
    read: (value) => {
      const [, amount, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(value) ?? [];
      const ms = Number(amount) * UNITS[unit as keyof typeof UNITS];
      return ms >= min && ms <= max ? ms : undefined;
    },
  };
}

export function choice<const T extends string>(among: readonly T[]): Reader<T> {
  return { takes: `one of ${among.join(', ')}`, read: (value) => among.find((each) => each === value) };
}

export function text(pattern: RegExp, takes: string): Reader<string> {
  return { takes, read: (value) => (pattern.test(value) ? value : undefined) };
}

/** Where state is kept; the address may have a password in it. */
export function store(): Reader<string> {
  return {
    takes: `\`memory:\`, ${REDIS_FORMS}`,
    shown: withoutPassword,
    read: (value) => (value === 'memory:' || readRedisAddress(value) !== undefined ? value : undefined),
  };
}

/** At least so many bytes (UTF-8). */
export function secret(bytes: number): Reader<string> {
  return {
    takes: `a secret of at least ${bytes} bytes, e.g. from \`openssl rand -base64 ${bytes}\``,
    secret: true,
    read: (value) => (Buffer.byteLength(value) >= bytes ? value : undefined),
  };
}

/**
 * One secret of at least so many bytes; or two with a comma between, the present one and the former one, while it is rotated. A comma in
 * what is no two secrets is a part of the one.
 */
export function secrets(bytes: number): Reader<readonly string[]> {
  const one = secret(bytes);
  return {
    takes: `${one.takes}; or two, \`PRESENT,FORMER\`, while it is rotated`,
    secret: true,
    read: (value) => {
      const both = value.split(',').map((each) => one.read(each.trim()));
      if (both.length === 2 && both.every((each) => each !== undefined)) return Object.freeze(both);
      const whole = one.read(value);
      return whole === undefined ? undefined : Object.freeze([whole]);
    },
  };
}

/** A URL of one of the schemes; with `origin`, without path and query, and given back as an origin. */
export function url(schemes: readonly string[], origin = false): Reader<string> {
  const names = schemes.map((scheme) => `${scheme}//`).join(' or ');
  return {
    takes: origin ? `an origin like https://hub.example.com (${names}, no path)` : `a URL starting with ${names}`,
    read: (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      if (
        parsed === undefined ||
        !schemes.includes(parsed.protocol) ||
        parsed.username !== '' ||
        parsed.password !== ''
      )
        return undefined;
      if (!origin) return parsed.href;
      return parsed.pathname === '/' && parsed.search === '' && parsed.hash === '' ? parsed.origin : undefined;
    },
  };
}

/** Where a replica is reached: an origin, or an address (IPv6 without brackets, as the kubelet writes a pod's), to which PORT is added. */
export function peer(): Reader<string> {
  const origin = url(['http:', 'https:'], true);
  return {
    takes: `${origin.takes}, or an address like 10.0.0.1 or fd00::1, to which PORT is added`,
    read: (value) => (isIP(value) === 0 ? origin.read(value) : value),
  };
}

/** A comma list of origins. */
export function origins(): Reader<readonly string[]> {
  const one = url(['http:', 'https:'], true);
  return {
    takes: 'a comma list of origins like https://portal.example.com',
    read: (value) => {
      const parts = value.split(',').map((part) => part.trim());
      const read = parts.filter((part) => part !== '').map((part) => one.read(part));
      return read.every((each) => each !== undefined) ? Object.freeze(read) : undefined;
    },
  };
}

/** Addresses that begin alike. */
export interface Network {
  readonly address: string;
  /** Bits. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** A comma list of networks; an address alone is a network of one. */
export function networks(): Reader<readonly Network[]> {
  const one = (text: string): Network | undefined => {
    const [, address = '', bits] = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const version = isIP(address);
    const size = version === 6 ? 128 : 32;
    const prefix = Number(bits ?? size);
    if (version === 0 || prefix > size) return undefined;
    return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
  };
  return {
    takes: 'a comma list of networks (CIDRs) like 10.0.0.0/8 or fd00::/8, or of addresses',
    read: (value) => {
      const parts = value.split(',').map((part) => part.trim());
      const read = parts.filter((part) => part !== '').map(one);
      return read.every((each) => each !== undefined) ? Object.freeze(read) : undefined;
    },
  };
}

/** A path; whether something is there is seen when it is opened. */
export function file(takes: string): Reader<string> {
  return { takes: `the path of ${takes}`, read: (value) => (value.includes('\0') ? undefined : value) };
}

/** Agent ids. */
export function ids(): Reader<ReadonlySet<string>> {
  return {
    takes: 'a comma list of agent ids',
    read: (value) => {
      const all = value
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '');
      return all.every((id) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) ? new Set(all) : undefined;
    },
  };
}

/** A comma list of `agent-id=enrolment-token`; each token once. */
export function bound(): Reader<ReadonlyMap<string, string>> {
  return {
    takes: 'a comma list of agent-id=token, each token `sse_` and at least 32 characters of its own (A-Z a-z 0-9 _ -)',
    secret: true,
    read: (value) => {
      const tokens = new Map<string, string>();
      for (const part of value.split(',').map((each) => each.trim())) {
        if (part === '') continue;
        const [, id = '', token] = /^([a-z0-9][a-z0-9-]{0,62})=(sse_[\w-]{32,256})$/.exec(part) ?? [];
        if (token === undefined || tokens.has(id) || [...tokens.values()].includes(token)) return undefined;
        tokens.set(id, token);
      }
      return tokens;
    },
  };
}
