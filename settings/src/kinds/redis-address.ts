import { HOST_PORT } from './addresses.ts';

/** What a STORE_URL says of a Redis or Valkey. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The server; the Sentinels; or some nodes of the Cluster. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** Name of the primary at the Sentinels. */
  readonly master?: string;
  readonly db: number;
}

export const REDIS_FORMS =
  '`redis://[user:password@]host[:port][/db]`, `redis+sentinel://host:port,host:port/master[/db]` or `redis+cluster://host:port,host:port`, each also with `rediss`';

const HOSTS = `${HOST_PORT}(,${HOST_PORT})*`;

/** Addresses as a pattern. A path is what follows the last @, so a password may have slashes in it, but here has not. */
export const REDIS_URL = [
  `^rediss?://([^/@ ]*@)?${HOST_PORT}(/[0-9]{0,5})?$`,
  `^rediss?[+]sentinel://([^/@ ]*@)?${HOSTS}/[A-Za-z0-9_.-]+(/[0-9]{0,5})?$`,
  `^rediss?[+]cluster://([^/@ ]*@)?${HOSTS}(/0?)?$`,
].join('|');

const DEFAULT_PORT = { single: 6379, sentinel: 26379, cluster: 6379 } as const;

/** Reads an address; undefined when it is none. User and password may be percent-encoded. */
export function readRedisAddress(url: string): RedisAddress | undefined {
  const [, secure, mode, userinfo, list, path] =
    /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^/@]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (list === undefined) return undefined;
  const kind = (mode ?? 'single') as RedisAddress['kind'];
  const hosts = list.split(',').map((each) => readHost(each, DEFAULT_PORT[kind]));
  if (!hosts.every((each) => each !== undefined) || (kind === 'single' && hosts.length > 1)) return undefined;
  const [master, db] = kind === 'sentinel' ? split(path ?? '', '/') : [undefined, path];
  if (kind === 'sentinel' && !/^[\w.-]+$/.test(master ?? '')) return undefined;
  // a cluster has no other databases
  if (db !== undefined && !(kind === 'cluster' ? /^0?$/ : /^\d{0,5}$/).test(db)) return undefined;
  const [username, password] = userinfo === undefined ? [] : split(userinfo, ':').map(decoded);
  return {
    kind,
    tls: secure === 's',
    hosts,
    db: Number(db ?? 0),
    ...(username && { username }),
    ...(password && { password }),
    ...(master !== undefined && { master }),
  };
}

/** The URL without its password, for messages. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/s, '//…@');
}

function readHost(text: string, fallback: number): { host: string; port: number } | undefined {
  const [, ipv6, name, digits] = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = digits === undefined ? fallback : Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** A password in an environment variable is often not encoded at all. */
function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
