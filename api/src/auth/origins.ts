import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.ts';

/**
 * Whether a page of the request's `Origin` may talk to the hub [VIEW3]: the hub's own (PUBLIC_URL, or else the host that the request
 * names), or one of ALLOWED_ORIGINS. No `Origin`, no browser: that passes, as tokens and tickets still count.
 */
export function originAllowed(
  config: Pick<Config, 'publicUrl' | 'allowedOrigins'>,
  { headers }: Pick<IncomingMessage, 'headers'>,
): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  if (config.allowedOrigins.includes(origin)) return true;
  if (config.publicUrl !== undefined) return origin === config.publicUrl;
  // without PUBLIC_URL the scheme is unknown: a proxy in front may speak TLS for us
  return (
    /^https?:\/\//.test(origin) &&
    headers.host !== undefined &&
    origin.replace(/^https?:\/\//, '') === headers.host.toLowerCase()
  );
}
