import type { Agent } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isLoopback } from './hub-url.ts';

/** Settings of the configuration: URLs of proxies, and the hosts that need none. */
export interface ProxySettings {
  readonly httpsProxy: string | undefined;
  readonly httpProxy: string | undefined;
  /** Separated by commas or spaces: `host` (and its subdomains), `.domain`, `host:port`, an address, `10.0.0.0/8`, `*`. */
  readonly noProxy: string;
}

const DEFAULT_PORTS: Record<string, string> = { 'ws:': '80', 'http:': '80', 'wss:': '443', 'https:': '443' };

/** URL of the proxy for `target`; undefined: direct. Connections to this machine are always direct, as in curl and Go. */
export function proxyFor(target: URL, settings: ProxySettings): URL | undefined {
  const secure = target.protocol === 'wss:' || target.protocol === 'https:';
  const proxy = secure ? settings.httpsProxy : settings.httpProxy;
  if (proxy === undefined || isLoopback(target) || isExcluded(target, settings.noProxy)) return undefined;
  return new URL(proxy);
}

function isExcluded(target: URL, noProxy: string): boolean {
  const host = bare(target.hostname.toLowerCase());
  const port = target.port === '' ? DEFAULT_PORTS[target.protocol] : target.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return inSubnet(host, entry);
      // an IPv6 address contains colons: only the one after its bracket begins a port
      const [, name, onlyPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [entry, entry];
      if (onlyPort !== undefined && onlyPort !== port) return false;
      const plain = bare(name!).replace(/^\*?\./, '');
      return host === plain || (isIP(host) === 0 && plain !== '' && host.endsWith(`.${plain}`));
    });
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

function inSubnet(host: string, entry: string): boolean {
  const [network, bits] = entry.split('/') as [string, string];
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), kind);
  return list.check(host, kind);
}

/**
 * An HTTP agent that uses CONNECT through the proxy, also for plain `ws:` and `http:`: RFC 6455 §4.1 requires that, and a proxy that lets the
 * WebSocket pass then also lets the enrolment pass. undefined: direct.
 */
export function proxyAgent(target: URL, settings: ProxySettings): Agent | undefined {
  const proxy = proxyFor(target, settings);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy);
}
