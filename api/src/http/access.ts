import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { User, UserAuth } from '../auth/users.ts';
import { isForUsers } from './route.ts';

/** The bearer token of a request, or undefined. */
export function bearerOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Every route of this scope is for users, unless its `access` says otherwise. */
export function registerAccess(app: FastifyInstance, authenticate: UserAuth): void {
  app.decorateRequest<User | null>('user', null);
  app.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    if (!isForUsers(access)) return;
    request.user = await authenticate(bearerOf(request));
    request.log = request.log.child({ user: request.user.id });
    if (access === 'admin' && !request.user.admin) {
      throw new StreamSpaceError('forbidden', `this takes the role admin, which user ${request.user.id} doesn't have`);
    }
  });
}
