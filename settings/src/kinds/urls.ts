import { isIP } from 'node:net';
import { HOST_PORT } from './addresses.ts';
import type { Kind } from './kind.ts';
import { list } from './lists.ts';
import { REDIS_FORMS, REDIS_URL, readRedisAddress, withoutPassword } from './redis-address.ts';

const PATH = '(/[!"$-~]*)?';
const FOLDERS = '(/[0-9A-Za-z._~-]{1,63}){0,4}';
const schemes = (of: readonly string[]) => `(${of.map((scheme) => scheme.slice(0, -1)).join('|')})`;
const parsed = (value: string) => (URL.canParse(value) ? new URL(value) : undefined);

/** A URL with one of these schemes (`ws:`), as it was written; a path is kept. */
export function url(takes: string, ...of: string[]): Kind<string> {
  return {
    takes,
    parse(value) {
      const found = parsed(value);
      return found !== undefined && of.includes(found.protocol) && found.hostname !== '' && found.hash === ''
        ? value
        : undefined;
    },
    print: (value) => value,
    written: { type: 'string', pattern: `^${schemes(of)}://${HOST_PORT}${PATH}$` },
    examples: [`${of[0]}//hub.example.com:65535/a?b`, `${of.at(-1)}//[fd00::1]`],
  };
}

/** A URL of a proxy; credentials may be in it. */
export const proxy: Kind<string> = {
  ...url('the URL of a proxy, http://host:port', 'http:', 'https:'),
  shown: (value) => value.replace(/\/\/.*@/s, '//…@'),
  written: { type: 'string', pattern: `^https?://([0-9A-Za-z._~%!$&*+;=:-]*@)?${HOST_PORT}/?$` },
  examples: ['http://proxy.example.com:3128', 'https://user:p%40ss@proxy.example.com'],
};

/** Hosts that are reached without a proxy, in the form that all programs know; any text is accepted, as they do. */
export const noProxy: Kind<string, readonly string[]> = {
  takes: 'host names, comma separated',
  parse: (value) => value,
  print: (value) => value,
  written: {
    type: 'array',
    items: { type: 'string', pattern: '^[!-+--~]{1,253}$', takes: 'a host such as .svc or 10.0.0.0/8' },
  },
  examples: [['.svc', '10.0.0.0/8']],
};

/** A URL without credentials, as URLs are written in full. */
export function plainUrl(...of: string[]): Kind<string> {
  const names = of.map((scheme) => `${scheme}//`).join(' or ');
  return {
    ...url(`a URL starting with ${names}`, ...of),
    parse(value) {
      const found = parsed(value);
      if (found === undefined || !of.includes(found.protocol) || found.username !== '' || found.password !== '')
        return undefined;
      return found.href;
    },
  };
}

/** Scheme, host and port, given back as browsers write them; a slash at the end is taken, a path is not. */
export const origin: Kind<string> = {
  takes: 'an origin like https://hub.example.com (http:// or https://, no path)',
  parse(value) {
    const found = parsed(plainUrl('http:', 'https:').parse(value) ?? '');
    if (found === undefined || found.hostname === '') return undefined;
    return found.pathname === '/' && found.search === '' && found.hash === '' ? found.origin : undefined;
  },
  print: (value) => value,
  written: { type: 'string', pattern: `^https?://${HOST_PORT}/?$` },
  examples: ['https://hub.example.com', 'http://localhost:1/', 'https://[::1]:65535'],
};

/**
 * Where people reach a program: scheme, host, port and perhaps a path, given back as browsers write them and without a slash at the end.
 * The path has at most 4 segments, of at most 63 letters, digits and `._~-`: they stand in pages and in proxies' rules as they are.
 */
export const publicUrl: Kind<string> = {
  takes: 'a URL like https://hub.example.com or https://example.com/streamspace (http:// or https://, no query)',
  parse(value) {
    const found = parsed(plainUrl('http:', 'https:').parse(value) ?? '');
    if (found === undefined || found.hostname === '' || found.search !== '' || found.hash !== '') return undefined;
    const path = new RegExp(`^(${FOLDERS})/?$`).exec(found.pathname)?.[1];
    return path === undefined ? undefined : found.origin + path;
  },
  print: (value) => value,
  written: { type: 'string', pattern: `^https?://${HOST_PORT}${FOLDERS}/?$` },
  examples: ['https://hub.example.com', 'http://localhost:1/', 'https://[::1]:65535/a/b_c/'],
};

/** A comma list of origins. */
export const origins: Kind<readonly string[], readonly string[]> = {
  ...list('origins', origin),
  takes: 'a comma list of origins like https://portal.example.com',
};

/** Address of a hub replica: an origin, or an address (IPv6 without brackets, as the kubelet writes a pod's), to which METRICS_PORT is added. */
export const peer: Kind<string> = {
  ...origin,
  takes: `${origin.takes}, or an address like 10.0.0.1 or fd00::1, to which METRICS_PORT is added`,
  parse: (value) => (isIP(value) === 0 ? origin.parse(value) : value),
};

/** Address of the store; it may contain a password. */
export const store: Kind<string> = {
  takes: `\`memory:\`, ${REDIS_FORMS}`,
  shown: withoutPassword,
  parse: (value) => (value === 'memory:' || readRedisAddress(value) !== undefined ? value : undefined),
  print: (value) => value,
  written: { type: 'string', pattern: REDIS_URL },
  examples: [
    'rediss://cache.example.com:6380/1',
    'redis+sentinel://s0.example.com,s1.example.com:26380/primary',
    'rediss+cluster://[fd00::1]:7000,[fd00::2]:7001',
  ],
};
