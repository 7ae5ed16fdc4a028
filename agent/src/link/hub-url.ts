import { PATHS } from '@streamspace/protocol';

/** Addresses of one control plane. */
export interface HubUrls {
  /** ws: or wss: */
  readonly connect: URL;
  /** http: or https: */
  readonly enrol: URL;
  readonly health: URL;
}

/** `url`: CONTROL_PLANE_URL, with or without the path of the endpoint; any other path is a prefix. */
export function hubUrls(url: string): HubUrls {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/+$/, '').replace(new RegExp(`${PATHS.connect}$`), '');
  const connect = new URL(base);
  connect.pathname = prefix + PATHS.connect;
  const enrol = new URL(base);
  enrol.protocol = base.protocol === 'wss:' ? 'https:' : 'http:';
  enrol.pathname = prefix + PATHS.enrol;
  enrol.search = '';
  const health = new URL(enrol);
  health.pathname = prefix + PATHS.health;
  return { connect, enrol, health };
}

/** Whether the bytes stay on this machine. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host.endsWith('.localhost') || /^127(\.\d+){3}$/.test(host) || host === '::1';
}

/** Milliseconds that a `Retry-After` header asks for, as seconds or a date. 0 when absent or invalid; at most an hour. */
export function retryAfterMs(header: string | undefined, now: number, parseDate: (text: string) => number): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : parseDate(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 3_600_000) : 0;
}
