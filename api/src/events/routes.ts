import { setMaxListeners } from 'node:events';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { route, Shared } from '../http/route.ts';
import type { SignInWatch } from '../sign-in/watch.ts';
import { streamEvents } from './stream.ts';

/** Most open streams of one user. */
const PER_USER = 32;

const EventId = Type.String({ maxLength: 16, pattern: '^\\d{0,16}$', description: 'the id of an event' });

export function eventRoutes(
  scope: FastifyInstance,
  { store, clock, watch }: HubDeps & { watch: Pick<SignInWatch, 'follow'> },
): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  const shutdown = new AbortController();
  setMaxListeners(0, shutdown.signal);
  const open = new Map<string, number>();
  const running = new Set<Promise<void>>();

  // before the server waits for its connections, which open streams would hold for ever
  app.addHook('preClose', async () => {
    shutdown.abort(new Error('the hub stops: connect again'));
    await Promise.all(running);
  });

  app.get(
    '/events',
    route({
      tag: 'events',
      summary: 'Follow what happens, live',
      description:
        'Server-sent events; `data` is an Event. The stream begins with new events, or after `Last-Event-ID` (header) or `after` (query). ' +
        '`event: reset`: missed events are no longer kept, so read everything again. A comment comes at least every 15 s.',
      answer: Shared('Event'),
      answerType: 'text/event-stream',
      headers: Type.Object({ 'last-event-id': Type.Optional(EventId) }),
      querystring: Type.Object({ after: Type.Optional(EventId) }, { additionalProperties: false }),
    }),
    async (request, reply) => {
      const { user, headers, query, raw } = request;
      const count = open.get(user.id) ?? 0;
      if (count >= PER_USER)
        throw new StreamSpaceError('rate_limited', `user ${user.id} has ${count} event streams open: close some`);
      const last = headers['last-event-id'] || query.after || undefined;
      open.set(user.id, count + 1);
      reply.hijack();
      const out = reply.raw;
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) out.setHeader(name, value);
      out.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.socket.setNoDelay(true);
      const after = last === undefined ? undefined : Number(last);
      const ended = new AbortController();
      const { signIn } = user;
      const followed = watch.follow({ user: user.id, signIn: signIn?.key, expires: signIn?.record.expires }, (why) =>
        ended.abort(new Error(why.message)),
      );
      const stream = streamEvents(out, {
        events: store.events,
        clock,
        // a sign-in is prolonged by its use
        user: signIn === undefined ? user : { ...user, expires: Number.POSITIVE_INFINITY },
        after,
        signal: AbortSignal.any([shutdown.signal, ended.signal]),
      })
        .catch((error: unknown) => {
          request.log.error({ err: error }, 'event stream failed');
          out.destroy();
        })
        .finally(() => {
          followed.cancel();
          running.delete(stream);
          const left = (open.get(user.id) ?? 1) - 1;
          if (left === 0) open.delete(user.id);
          else open.set(user.id, left);
        });
      running.add(stream);
    },
  );
}
