import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticatedUser } from '../auth/users.ts';
import { isForUsers } from './route.ts';

/** The bearer token of a request, or undefined. */
export function bearerOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** How callers prove themselves. Each rejects with `unauthenticated`. */
export interface Proofs {
  /** By a token, or by the cookie of a sign-in. */
  readonly user: (request: FastifyRequest) => Promise<AuthenticatedUser>;
  /** With an enrolment token: that there is such a token, for whatever agent. Also rejects with `rate_limited`. */
  readonly enrolment: (request: FastifyRequest) => Promise<void>;
}

/** Every route of this scope is for users, unless its `access` says otherwise. Credentials are looked at before anything of the body is read. */
export function registerAccess(app: FastifyInstance, proofs: Proofs): void {
  app.decorateRequest<AuthenticatedUser | null>('user', null);
  app.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    if (access === 'enrolment') return proofs.enrolment(request);
    if (!isForUsers(access)) return;
    request.user = await proofs.user(request);
    request.log = request.log.child({ user: request.user.id });
    if (access === 'admin' && !request.user.admin) {
      throw new StreamSpaceError(
        'forbidden',
        `this requires the role admin, which user ${request.user.id} doesn't have`,
      );
    }
  });
}
