import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Id, StreamSpaceError, Timestamp } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { AgentLinks } from '../agents/ports.ts';
import { duration } from '@streamspace/settings';
import type { HubDeps } from '../deps.ts';
import { bearerOf } from '../http/access.ts';
import { route } from '../http/route.ts';
import { revoked } from './agents.ts';
import { enrolAgent, EnrolBody, makeEnrolment } from './enrolment.ts';

const closed = { additionalProperties: false } as const;
const params = Type.Object({ id: Id }, closed);
const ttl = duration(1_000, 30 * 86_400_000);
const WIRED = ['not_found', 'agent_offline', 'command_timeout'] as const;

/** Enrolment of agents, and what becomes of their credentials. */
export function authRoutes(scope: FastifyInstance, deps: HubDeps & { links: AgentLinks }): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  const { store, links } = deps;

  app.post(
    '/agents/enrolments',
    route({
      tag: 'agents',
      summary: 'Make an enrolment token',
      audit: 'agent.enrolment',
      description:
        'For one agent (also for its new enrolment), or without `agent_id` for any new agent. Only this answer shows the token.',
      access: 'admin',
      status: 201,
      body: Type.Object(
        {
          agent_id: Type.Optional(Id),
          ttl: Type.Optional(Type.String({ maxLength: 16, description: 'a duration like 15m; by default 1h' })),
          uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
        },
        closed,
      ),
      answer: Type.Object({ token: Type.String({ maxLength: 512 }), expires_at: Timestamp }, closed),
    }),
    async ({ body, log, audited }, reply) => {
      audited.subject = body.agent_id === undefined ? undefined : `agent/${body.agent_id}`;
      audited.details = { uses: String(body.uses ?? 1), ttl: body.ttl ?? '1h' };
      const ttlMs = ttl.parse(body.ttl ?? '1h');
      if (ttlMs === undefined) {
        const problem = `takes ${ttl.takes}`;
        throw new StreamSpaceError('invalid_request', `ttl: ${problem}`, { fields: [{ field: 'ttl', problem }] });
      }
      const made = await makeEnrolment(deps, { agentId: body.agent_id, ttlMs, uses: body.uses ?? 1 });
      log.info({ agent_id: body.agent_id ?? null, expires_at: made.expires_at }, 'enrolment token made');
      return reply.code(201).header('cache-control', 'no-store').send(made);
    },
  );

  app.post(
    '/agents/enrol',
    route({
      tag: 'agents',
      summary: "Exchange an enrolment token for an agent's credential",
      audit: 'agent.enrol',
      access: 'enrolment',
      status: 201,
      body: EnrolBody,
      answer: Type.Object({ agent_id: Id, credential: Type.String({ maxLength: 512 }) }, closed),
      errors: ['conflict'],
    }),
    async (request, reply) => {
      const answer = await enrolAgent(deps, bearerOf(request), request.body);
      request.log.info({ agent_id: answer.agent_id }, 'agent enrolled');
      return reply.code(201).header('cache-control', 'no-store').send(answer);
    },
  );

  app.post(
    '/agents/:id/rotate',
    route({
      tag: 'agents',
      summary: "Rotate an agent's credential, without a disconnect",
      audit: 'agent.rotate',
      description: 'The answer comes when the agent has stored the new credential and the old one is invalid.',
      access: 'admin',
      status: 204,
      params,
      body: Type.Object({}, closed),
      answer: Type.Null(),
      errors: WIRED,
    }),
    async ({ params: { id }, log }, reply) => {
      if ((await store.credentials.get(id)) === undefined) throw unknown(id);
      await links.rotate(id);
      log.info({ agent_id: id }, 'agent credential rotated');
      return reply.code(204).send();
    },
  );

  app.delete(
    '/agents/:id/credential',
    route({
      tag: 'agents',
      summary: "Revoke an agent's credential and end its link",
      audit: 'agent.revoke',
      description: 'The agent can return only with an enrolment token for exactly its id.',
      access: 'admin',
      status: 204,
      params,
      answer: Type.Null(),
      errors: ['not_found'],
    }),
    async ({ params: { id }, log }, reply) => {
      if ((await store.credentials.get(id)) === undefined) throw unknown(id);
      await store.credentials.revoke(id);
      await links.close(id, revoked(id));
      log.info({ agent_id: id }, 'agent credential revoked');
      return reply.code(204).send();
    },
  );
}

const unknown = (id: string) =>
  new StreamSpaceError('not_found', `agent ${id} has no credential: it was never enrolled here, or is revoked`);
