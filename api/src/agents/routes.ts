import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Id, StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { newCommand } from '../commands/new-command.ts';
import type { HubDeps } from '../deps.ts';
import { publicAgent } from '../public/agent.ts';
import { publicCommand } from '../public/command.ts';
import { publicEvent } from '../public/event.ts';
import { listing } from '../http/listing.ts';
import { Items, route, Shared } from '../http/route.ts';
import type { AgentRecord } from '../store/store.ts';
import type { CommandNotifier } from './ports.ts';

const params = Type.Object({ id: Id }, { additionalProperties: false });

/** Every user can see agents; only admins change them. */
export function agentRoutes(scope: FastifyInstance, deps: HubDeps & { dispatcher: CommandNotifier }): void {
  const { store, publish, dispatcher } = deps;
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();

  const found = (id: string, agent: AgentRecord | undefined): AgentRecord => {
    if (agent === undefined)
      throw new StreamSpaceError('not_found', `there is no agent ${id}: an agent appears after its first connection`);
    return agent;
  };

  app.get('/agents', route({ tag: 'agents', summary: 'List agents', answer: Items(Shared('Agent')) }), async () => {
    return listing((await store.agents.list()).map(publicAgent));
  });

  app.get(
    '/agents/:id',
    route({ tag: 'agents', summary: 'Get an agent', answer: Shared('Agent'), params, errors: ['not_found'] }),
    async ({ params: { id } }) => publicAgent(found(id, await store.agents.get(id))),
  );

  app.patch(
    '/agents/:id',
    route({
      tag: 'agents',
      summary: 'Drain an agent, or end its drain',
      audit: 'agent.change',
      description: '`offline`: no new sessions; running sessions go on. `online`: placement uses the agent again.',
      access: 'admin',
      answer: Shared('Agent'),
      params,
      body: Type.Object({ status: Type.Enum(['online', 'offline']) }, { additionalProperties: false }),
      errors: ['not_found'],
    }),
    async ({ params: { id }, body: { status }, log, audited }) => {
      audited.details = { status };
      const agent = found(id, await store.agents.setDraining(id, status === 'offline'));
      log.info({ agent_id: id, draining: agent.draining }, 'agent drain changed');
      await publish.agent('agent.updated', agent);
      return publicAgent(agent);
    },
  );

  app.post(
    '/agents/:id/list',
    route({
      tag: 'agents',
      summary: 'Let an agent list its sessions',
      audit: 'agent.list',
      description:
        "A command like those of sessions: the agent's answer corrects the hub's sessions. While the agent is away the command waits.",
      access: 'admin',
      status: 202,
      answer: Shared('Command'),
      params,
      body: Type.Object({}, { additionalProperties: false }),
      errors: ['not_found'],
    }),
    async ({ params: { id }, user, traceId }, reply) => {
      found(id, await store.agents.get(id));
      const command = newCommand(deps, { action: 'list_sessions', agent: id, session: null, user: user.id, traceId });
      await store.commands.append(command);
      dispatcher.wake(id);
      await publish.command(command);
      return reply.code(202).send(publicCommand(command));
    },
  );

  app.get(
    '/agents/:id/timeline',
    route({
      tag: 'agents',
      summary: "An agent's elections, connections and refusals, oldest first",
      description: 'The newest 200 events, within 512 KiB; `after` omits events up to that id.',
      answer: Items(Shared('Event')),
      params,
      querystring: Type.Object(
        {
          after: Type.Optional(
            Type.String({ maxLength: 16, pattern: '^\\d{1,16}$', description: 'the id of an event' }),
          ),
        },
        { additionalProperties: false },
      ),
      errors: ['not_found'],
    }),
    async ({ params: { id }, query }) => {
      const items = await store.events.since(Number(query.after ?? 0), { agent: id, limit: 200 });
      // an agent whose connections were all refused has a timeline, too
      if (items.length === 0) found(id, await store.agents.get(id));
      return { items: items.map(publicEvent) };
    },
  );
}
