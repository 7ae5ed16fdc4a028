import type { Agent } from 'node:http';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** As in the configuration: URLs of proxies, and the hosts that need none. */
export interface ProxySettings {
  readonly httpsProxy: string | undefined;
  readonly httpProxy: string | undefined;
  /** Comma or space separated: `host`, `.domain`, `*.domain`, `host:port`, an address, `*`. */
  readonly noProxy: string;
}

const DEFAULT_PORTS: Record<string, string> = { 'ws:': '80', 'http:': '80', 'wss:': '443', 'https:': '443' };

/** URL of the proxy that leads to `target`; undefined: straight. */
export function proxyFor(target: URL, settings: ProxySettings): URL | undefined {
  const secure = target.protocol === 'wss:' || target.protocol === 'https:';
  const proxy = secure ? settings.httpsProxy : settings.httpProxy;
  if (proxy === undefined || proxy === '' || isExcluded(target, settings.noProxy)) return undefined;
  return new URL(proxy);
}

function isExcluded(target: URL, noProxy: string): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = target.port === '' ? DEFAULT_PORTS[target.protocol] : target.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name, onlyPort] = /^(.+?)(?::(\d+))?$/.exec(/^[^[]*:.*:/.test(entry) ? `[${entry}]` : entry)!;
      if (onlyPort !== undefined && onlyPort !== port) return false;
      const plain = name!.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
      return host === plain || (!isAddress(plain) && host.endsWith(`.${plain}`));
    });
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

/**
 * An HTTP agent that goes through the proxy by CONNECT, for plain `ws:` and `http:` too: RFC 6455 §4.1 asks for it, and what lets the
 * WebSocket pass lets the enrolment pass. undefined: straight.
 */
export function proxyAgent(target: URL, settings: ProxySettings): Agent | undefined {
  const proxy = proxyFor(target, settings);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy);
}
