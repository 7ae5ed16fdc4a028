import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { ChangeSession, CreateSession, Id, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { dateAt } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { AgentLinks, CommandNotifier } from '../agents/ports.ts';
import { makeTicket } from '../auth/tickets.ts';
import type { HubDeps } from '../deps.ts';
import { listing } from '../http/listing.ts';
import { Items, route, Shared } from '../http/route.ts';
import { putOff } from './awake.ts';
import { Candidates } from './candidates.ts';
import { changeSession, renameSession, sessionFor } from './change.ts';
import { createSession } from './create.ts';
import { requireScreen } from './rules.ts';

const params = Type.Object({ id: Id }, { additionalProperties: false });
const Empty = Type.Object({}, { additionalProperties: false });
const Flag = Type.Optional(Type.Enum(['true', 'false']));

export function sessionRoutes(
  scope: FastifyInstance,
  given: HubDeps & { dispatcher: CommandNotifier; links: Pick<AgentLinks, 'stayAwake' | 'picture'> },
): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  const { store } = given;
  const deps = { ...given, candidates: new Candidates(store, given.clock) };
  const over = new AbortController();
  deps.candidates.follow(over.signal);
  app.addHook('preClose', async () => over.abort(new Error('the hub stops')));
  const changed = { tag: 'sessions', status: 202, answer: Shared('Accepted'), params } as const;

  app.post(
    '/sessions',
    route({
      tag: 'sessions',
      summary: 'Create a session',
      audit: 'session.create',
      description: 'The caller becomes its user. With an `Idempotency-Key` a repeated request gets the first answer.',
      status: 202,
      answer: Shared('Accepted'),
      body: CreateSession,
      headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
      errors: [
        'template_unknown',
        'region_unknown',
        'no_placement',
        'too_large',
        'at_capacity',
        'quota_exceeded',
        'conflict',
      ],
    }),
    async (request, reply) => {
      request.audited.details = { template: request.body.template };
      const caller = {
        user: request.user.id,
        traceId: request.traceId,
        idempotencyKey: request.headers['idempotency-key'],
      };
      return reply.code(202).send(await createSession(deps, request.body, caller));
    },
  );

  app.get(
    '/sessions',
    route({
      tag: 'sessions',
      summary: 'List sessions, newest first',
      description:
        "Your own sessions; an admin may ask for another user's (`user`) or all users' (`all=true`). The list omits sessions that are gone.",
      answer: Items(Shared('Session')),
      querystring: Type.Object(
        { user: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })), all: Flag },
        { additionalProperties: false },
      ),
    }),
    async ({ user, query }) => {
      const other = query.all === 'true' || (query.user !== undefined && query.user !== user.id);
      if (other && !user.admin)
        throw new StreamSpaceError('forbidden', "another user's sessions are for admins: omit `user` and `all`");
      const sessions = await store.sessions.list(query.all === 'true' ? {} : { user: query.user ?? user.id });
      const items = sessions
        .filter(({ state }) => state !== 'gone')
        .toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1));
      return listing(items);
    },
  );

  app.get(
    '/sessions/:id',
    route({ tag: 'sessions', summary: 'Get a session', answer: Shared('Session'), params, errors: ['not_found'] }),
    ({ params: { id }, user }) => sessionFor(deps, id, user),
  );

  app.patch(
    '/sessions/:id',
    route({
      tag: 'sessions',
      summary: 'Rename a session',
      audit: 'session.rename',
      description: 'In any state. `updated_at` stays, because it is the time of the state.',
      answer: Shared('Session'),
      params,
      body: ChangeSession,
      errors: ['not_found'],
    }),
    ({ params: { id }, body: { name }, user }) => renameSession(deps, id, name, user),
  );

  app.delete(
    '/sessions/:id',
    route({
      ...changed,
      summary: 'Delete a session',
      audit: 'session.delete',
      description:
        "In any state. The user's home stays unless `delete_home=true`; while other sessions use it, it is deleted with the last of them.",
      querystring: Type.Object({ delete_home: Flag }, { additionalProperties: false }),
      errors: ['not_found', 'conflict'],
    }),
    async ({ params: { id }, query, user, traceId, audited }, reply) => {
      const deleteHome = query.delete_home === 'true';
      audited.details = { delete_home: String(deleteHome) };
      return reply.code(202).send(await changeSession(deps, 'delete', id, { user, traceId, deleteHome }));
    },
  );

  app.post(
    '/sessions/:id/hibernate',
    route({
      ...changed,
      summary: 'Hibernate a session',
      audit: 'session.hibernate',
      description: 'Stops the programs; identity and home stay.',
      body: Empty,
      errors: ['not_found', 'conflict'],
    }),
    async ({ params: { id }, user, traceId }, reply) =>
      reply.code(202).send(await changeSession(deps, 'hibernate', id, { user, traceId })),
  );

  app.post(
    '/sessions/:id/wake',
    route({
      ...changed,
      summary: 'Wake a hibernated or failed session',
      audit: 'session.wake',
      body: Empty,
      errors: ['not_found', 'conflict', 'at_capacity', 'quota_exceeded', 'agent_offline'],
    }),
    async ({ params: { id }, user, traceId }, reply) =>
      reply.code(202).send(await changeSession(deps, 'wake', id, { user, traceId })),
  );

  app.post(
    '/sessions/:id/stay-awake',
    route({
      tag: 'sessions',
      summary: 'Keep an unused session awake',
      audit: 'session.keep-awake',
      description:
        'Counts as input if the agent hibernates idle sessions: for viewers who only watch. `sleeps_at` is the time of the announced hibernation.',
      answer: Shared('Session'),
      params,
      body: Empty,
      errors: ['not_found', 'session_not_running', 'agent_offline', 'conflict'],
    }),
    async ({ params: { id }, user }) => {
      const session = await sessionFor(deps, id, user);
      requireScreen(session);
      await deps.links.stayAwake(session.agent, id);
      return putOff(deps, session);
    },
  );

  app.get(
    '/sessions/:id/picture',
    route({
      tag: 'sessions',
      summary: 'The last picture of a session',
      description:
        'A small picture from its agent, which the hub asks at most once in half a minute. If that is impossible (the session is hibernated) the last one, as long as the hub has it. `last-modified` is its time.',
      answer: Type.String({ format: 'binary', maxLength: LIMITS.picture }),
      answerType: 'image/png',
      params,
      errors: [
        'not_found',
        'session_not_running',
        'agent_offline',
        'conflict',
        'screen_unreachable',
        'command_timeout',
        'at_capacity',
        'malformed_frame',
        'driver_failed',
      ],
    }),
    async ({ params: { id }, user }, reply) => {
      const session = await sessionFor(deps, id, user);
      if (session.state === 'gone') throw new StreamSpaceError('not_found', `session ${id} is gone`);
      const { png, at } = await deps.links.picture(session.agent, id);
      return reply.type('image/png').header('last-modified', dateAt(at).toUTCString()).send(png);
    },
  );

  app.post(
    '/sessions/:id/ticket',
    route({
      tag: 'sessions',
      summary: 'Get a ticket for the screen',
      audit: 'ticket.make',
      description: 'Valid once, for at most a minute. Open `url` as a WebSocket (as noVNC does), subprotocol `binary`.',
      status: 201,
      answer: Shared('Ticket'),
      params,
      body: Empty,
      errors: ['not_found', 'session_not_running'],
    }),
    async ({ params: { id }, user, audited }, reply) => {
      const session = await sessionFor(deps, id, user);
      audited.owner = session.user;
      requireScreen(session);
      const { id: name, expires, signIn } = user;
      const record = { session: id, user: name, expires, ...(signIn !== undefined && { signIn: signIn.key }) };
      return reply.code(201).send(await makeTicket(deps, record));
    },
  );
}
