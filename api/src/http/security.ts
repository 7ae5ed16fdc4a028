import type { FastifyInstance, FastifyRequest } from 'fastify';
import { foreignOrigin, originAllowed } from '../auth/origins.ts';
import type { HubConfig } from '../config.ts';
import type { Clients } from './client-address.ts';

/** Nothing from other hosts, no inline scripts. Screens come as `data:`/`blob:` pictures, and over WebSockets of the same origin. */
const policy = (style: string): string =>
  [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self'${style}`,
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
const PAGE_POLICY = policy('');
/** swagger-ui writes style elements. */
const DOCS_POLICY = policy(" 'unsafe-inline'");

/** How long browsers come by TLS only, once they did: a year. */
const HSTS_SECONDS = 365 * 86_400;
const METHODS = 'GET, POST, PATCH, DELETE';
const HEADERS = 'authorization, content-type, idempotency-key, last-event-id, traceparent';

/** A file of the page, or of its own routes: neither the API nor what describes it. */
const isFile = ({ method, url }: FastifyRequest): boolean =>
  (method === 'GET' || method === 'HEAD') && !/^\/(api|docs|internal|health|metrics)(\/|\?|$)/.test(url);

/** Headers of every answer, and who may call from a page of another origin: failure 13, "any Origin accepted". */
export function registerSecurity(
  app: FastifyInstance,
  config: Pick<HubConfig, 'publicUrl' | 'allowedOrigins'>,
  clients: Pick<Clients, 'secure'>,
): void {
  const publicTls = config.publicUrl?.startsWith('https:') === true;

  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'content-security-policy': request.url.startsWith('/docs') ? DOCS_POLICY : PAGE_POLICY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    // what the API says is for the one who asked, and for now; the page's files say themselves how long they last
    if (/^\/(api|internal)\//.test(request.routeOptions.url ?? request.url))
      void reply.header('cache-control', 'no-store');
    if (publicTls || clients.secure(request.raw))
      void reply.header('strict-transport-security', `max-age=${HSTS_SECONDS}`);
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (!originAllowed(config, request.raw)) {
      // the page itself says nothing that anybody may not know; without its scripts it could not say what is wrong with its address
      if (isFile(request)) return;
      throw foreignOrigin(config, request.raw);
    }
    if (!config.allowedOrigins.includes(origin)) return;
    void reply.headers({
      'access-control-allow-origin': origin,
      vary: 'origin',
      'access-control-expose-headers': 'retry-after, x-request-id, x-trace-id',
    });
    void reply.header('cross-origin-resource-policy', 'cross-origin');
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      void reply.headers({
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': HEADERS,
        'access-control-max-age': '600',
      });
      return reply.code(204).send();
    }
  });
}
