import rateLimit from '@fastify/rate-limit';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import { sha256Hex } from '../auth/secrets.ts';
import { bearerOf } from './access.ts';
import type { Clients } from './client-address.ts';
import { isForUsers } from './route.ts';

/**
 * So many requests a minute of each user, and of each enrolment token from an address; of strangers, who get only what is open, by address.
 * After authentication: nobody uses up what is another's.
 */
export async function registerRateLimit(app: FastifyInstance, perMinute: number, clients: Clients): Promise<void> {
  await app.register(rateLimit, {
    hook: 'preParsing',
    max: perMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: (request) => {
      const { access } = request.routeOptions.config;
      if (isForUsers(access)) return `user:${request.user.id}`;
      const address = clients.address(request.raw);
      return access === 'enrolment' ? `token:${sha256Hex(bearerOf(request) ?? '')} ${address}` : `address:${address}`;
    },
    errorResponseBuilder: (_request, { ttl }) => {
      const seconds = Math.max(1, Math.ceil(ttl / 1_000));
      return new StreamSpaceError(
        'rate_limited',
        `more than ${perMinute} requests within a minute: wait ${seconds} s`,
        { retry_after_ms: seconds * 1_000 },
      );
    },
  });
}
