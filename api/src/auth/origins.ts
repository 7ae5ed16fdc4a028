import type { IncomingMessage } from 'node:http';
import { StreamSpaceError } from '@streamspace/protocol';
import type { HubConfig } from '../config.ts';
import { shortened } from '../http/shortened.ts';

/**
 * Whether a page of the request's `Origin` may talk to the hub [VIEW3]: the hub's own (PUBLIC_URL, or else the host that the request
 * names), or one of ALLOWED_ORIGINS. No `Origin`, no browser: that passes, as tokens and tickets still count.
 */
export function originAllowed(
  config: Pick<HubConfig, 'publicUrl' | 'allowedOrigins'>,
  { headers }: Pick<IncomingMessage, 'headers'>,
): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  if (config.allowedOrigins.includes(origin)) return true;
  if (config.publicUrl !== undefined) return origin === new URL(config.publicUrl).origin;
  // without PUBLIC_URL the scheme is unknown: a proxy in front may speak TLS for us
  return (
    /^https?:\/\//.test(origin) &&
    headers.host !== undefined &&
    origin.replace(/^https?:\/\//, '') === headers.host.toLowerCase()
  );
}

/** What a page of another origin is told: what the hub takes for its own address, what it saw, and what an admin can do. */
export function foreignOrigin(
  config: Pick<HubConfig, 'publicUrl'>,
  { headers }: Pick<IncomingMessage, 'headers'>,
): StreamSpaceError {
  const origin = shortened(headers.origin ?? '');
  const own =
    config.publicUrl === undefined
      ? `the request names the host ${shortened(headers.host ?? '(none)')}; if you opened another address, a proxy changes it: let the proxy pass on Host, or set PUBLIC_URL=${origin} (and its path, if there is one)`
      : `its own address is ${config.publicUrl} (PUBLIC_URL): open that, or set PUBLIC_URL to the users' address`;
  return new StreamSpaceError(
    'origin_refused',
    `pages of ${origin} may not call this hub: ${own}. List a page of another site in ALLOWED_ORIGINS`,
  );
}
