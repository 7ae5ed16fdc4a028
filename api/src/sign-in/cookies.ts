import type { IncomingMessage } from 'node:http';
import { basePathOf } from '../http/base-path.ts';

/** Header of every request that uses the cookie: a form or a picture of another page can't send it. */
export const PAGE_HEADER = 'x-streamspace';

/** The hub's two cookies at one address. */
export interface Cookies {
  /** Of a sign-in. */
  readonly session: string;
  /** Of a browser on its way to a provider. */
  readonly browser: string;
  /** `Set-Cookie` for a value; undefined removes the cookie. `lax`: it comes along from the provider's page. */
  set(name: string, value: string | undefined, options: { maxAgeMs: number; lax?: boolean }): string;
  /**
   * The value of that cookie; undefined without it, and if there are two of that name: then somebody else has set one, and the order tells
   * nothing.
   */
  read(request: Pick<IncomingMessage, 'headers'>, name: string): string | undefined;
}

/**
 * With TLS the names begin with `__Host-`: browsers take such cookies from this very host only, so that no other host of the domain can set them.
 * Hubs under different paths of one host have names of their own.
 */
export function cookiesAt(publicUrl: string): Cookies {
  const secure = publicUrl.startsWith('https:');
  const place = basePathOf(publicUrl).replaceAll('/', '.');
  const name = (what: string) => `${secure ? '__Host-' : ''}streamspace-${what}${place}`;
  return {
    session: name('session'),
    browser: name('browser'),
    set: (cookie, value, { maxAgeMs, lax = false }) =>
      [
        `${cookie}=${value ?? ''}`,
        'Path=/',
        'HttpOnly',
        `SameSite=${lax ? 'Lax' : 'Strict'}`,
        ...(secure ? ['Secure'] : []),
        `Max-Age=${value === undefined ? 0 : Math.ceil(maxAgeMs / 1_000)}`,
      ].join('; '),
    read({ headers }, cookie) {
      const values = (headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${cookie}=`))
        .map((pair) => pair.slice(cookie.length + 1));
      return values.length === 1 && values[0] !== '' ? values[0] : undefined;
    },
  };
}
