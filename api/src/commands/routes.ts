import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Id, StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { publicCommand } from '../public/command.ts';
import { route, Shared } from '../http/route.ts';

export function commandRoutes(scope: FastifyInstance, { store }: HubDeps): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();

  app.get(
    '/commands/:id',
    route({
      tag: 'commands',
      summary: 'Get a command',
      description: 'Your own command, or one of your own sessions. Final commands are kept only for a while.',
      answer: Shared('Command'),
      params: Type.Object({ id: Id }, { additionalProperties: false }),
      errors: ['not_found'],
    }),
    async ({ params: { id }, user }) => {
      const command = await store.commands.get(id);
      if (
        command === undefined ||
        (!user.admin && command.user !== user.id && !(await owns(user.id, command.session)))
      ) {
        throw new StreamSpaceError('not_found', `there is no command ${id}`);
      }
      return publicCommand(command);
    },
  );

  /** The session's user may also see an admin's command on it. */
  const owns = async (user: string, sessionId: string | null): Promise<boolean> =>
    sessionId !== null && (await store.sessions.get(sessionId))?.user === user;
}
