import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { DisabledUserView, StreamSpaceError, User } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { listing } from '../http/listing.ts';
import { Items, route } from '../http/route.ts';
import { DISABLED_USERS } from '../store/store.ts';
import type { DisabledUsers } from './disabled-users.ts';
import { ownerOf } from './sign-ins.ts';
import type { SignInWatch } from './watch.ts';

const Named = Type.Object({ user: User }, { additionalProperties: false });
const tag = 'users';

/** An admin disables users, and enables them again. */
export function userRoutes(
  scope: FastifyInstance,
  deps: HubDeps & { disabled: DisabledUsers; watch: SignInWatch },
): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, disabled, watch } = deps;

  app.get(
    '/users/disabled',
    route({ tag, summary: 'Disabled users', access: 'admin', answer: Items(DisabledUserView) }),
    async () => {
      const { users } = await store.disabledUsers.list();
      users.sort((one, other) => other.at - one.at);
      return listing(users.map(({ user, at, by }) => ({ user, disabled_at: iso(at), disabled_by: by })));
    },
  );

  app.post(
    '/users/disable',
    route({
      tag,
      summary: 'Disable a user',
      audit: 'user.disable',
      description:
        'The hub refuses the user’s tokens and sign-ins; their screens and event streams end within 5 s at every replica of the hub. Their sessions go on running.',
      access: 'admin',
      status: 204,
      body: Named,
      answer: Type.Null(),
      errors: ['conflict', 'at_capacity'],
    }),
    async ({ body: { user }, user: { id: by }, log, audited }, reply) => {
      audited.subject = `user/${user}`;
      audited.owner = user;
      if (user === by) throw new StreamSpaceError('conflict', 'this would lock you out: ask another admin');
      if (!(await store.disabledUsers.put({ user, at: clock.now(), by })))
        throw new StreamSpaceError(
          'at_capacity',
          `${DISABLED_USERS} users are disabled, which is the most: enable those that can't sign in anyway`,
        );
      await store.signIns.remove(ownerOf(user));
      await disabled.look();
      void watch.look();
      log.info({ disabled: user }, 'user disabled');
      return reply.code(204).send();
    },
  );

  app.post(
    '/users/enable',
    route({
      tag,
      summary: 'Enable a user again',
      audit: 'user.enable',
      description: 'The user signs in anew; tokens that have not expired count again.',
      access: 'admin',
      status: 204,
      body: Named,
      answer: Type.Null(),
    }),
    async ({ body: { user }, log, audited }, reply) => {
      audited.subject = `user/${user}`;
      audited.owner = user;
      await store.disabledUsers.remove(user);
      await disabled.look();
      log.info({ enabled: user }, 'user enabled');
      return reply.code(204).send();
    },
  );
}
