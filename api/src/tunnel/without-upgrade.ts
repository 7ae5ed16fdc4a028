import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Id, StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { sha256Hex } from '../auth/secrets.ts';
import { takeTicket } from '../auth/tickets.ts';
import type { HubDeps } from '../deps.ts';
import type { DisabledUsers } from '../sign-in/disabled-users.ts';
import { route } from '../http/route.ts';
import { shortened } from '../http/shortened.ts';

/** Milliseconds for which the hub remembers that a ticket's WebSocket came without `Upgrade`: its viewer asks at once. */
const KNOWN_MS = 30_000;

/** The key of that memory for a ticket. */
const marked = (ticket: string): string => sha256Hex(`came without upgrade: ${ticket}`);

const socket = { access: 'open', status: 101, answer: Type.Null() } as const;
const params = Type.Object({ id: Id }, { additionalProperties: false });
const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));
const querystring = Type.Object(
  { ticket: text(512), viewer: text(64), steer: text(3) },
  { additionalProperties: false },
);

/**
 * Plain requests for the paths of WebSockets. A proxy that does not pass on `Upgrade` turns every WebSocket into such a request; its other
 * headers still show the origin. Agents read the answer; a page can't, and asks afterwards about its ticket, by a separate request.
 */
export function withoutUpgradeRoutes(
  scope: FastifyInstance,
  { store, clock, config, disabled }: Pick<HubDeps, 'store' | 'clock' | 'config'> & { disabled: DisabledUsers },
): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    '/agent/connect',
    route({
      ...socket,
      tag: 'agents',
      summary: 'Connect an agent (WebSocket)',
      description: 'Refuses a request that is no WebSocket, and says so if a proxy removed the upgrade.',
    }),
    async (request) => {
      throw isWebSocket(request) ? withoutUpgrade(request, config.publicUrl) : onlyWebSockets();
    },
  );

  app.get(
    '/sessions/:id/vnc',
    route({
      ...socket,
      tag: 'sessions',
      summary: 'Open a screen (WebSocket)',
      description:
        'With a ticket, once. Refuses a request that is no WebSocket; a plain request with a ticket whose WebSocket lost its `Upgrade` header gets that reason (`details.without_upgrade`).',
      params,
      querystring,
      errors: ['not_found', 'ticket_invalid'],
    }),
    async (request) => {
      const { ticket } = request.query;
      if (ticket === undefined) throw onlyWebSockets();
      if (isWebSocket(request)) {
        const record = await takeTicket({ store, clock, disabled }, ticket, request.params.id);
        await store.tickets.put(marked(ticket), record, KNOWN_MS);
        throw withoutUpgrade(request, config.publicUrl);
      }
      throw (await store.tickets.take(marked(ticket))) === undefined
        ? onlyWebSockets()
        : withoutUpgrade(request, config.publicUrl);
    },
  );
}

const isWebSocket = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean =>
  headers['sec-websocket-key'] !== undefined;

const onlyWebSockets = () => new StreamSpaceError('invalid_request', 'this path is for WebSockets only: send Upgrade');

/** The error: the request as the hub saw it, the hub's own address as configured, and the required settings of a proxy. */
function withoutUpgrade(
  { headers, raw }: Pick<FastifyRequest, 'headers' | 'raw'>,
  publicUrl: string | undefined,
): StreamSpaceError {
  const saw = `HTTP/${raw.httpVersion}, Host ${shortened(headers.host ?? '(none)')}, Connection ${shortened(headers.connection ?? '(none)')}, no Upgrade`;
  const own = publicUrl === undefined ? 'PUBLIC_URL is not set' : `PUBLIC_URL is ${publicUrl}`;
  return new StreamSpaceError(
    'invalid_request',
    `requests reach the hub, but WebSockets lose their Upgrade header on the way: a proxy in front of the hub does not pass it on. The hub saw ${saw}; ${own}. nginx needs: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`,
    { without_upgrade: true },
  );
}
