import rateLimit from '@fastify/rate-limit';
import { StreamSpaceError } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import { isForUsers } from './route.ts';

/** So many requests per user and minute; callers that are no users yet (enrolment) count by address. After authentication. */
export async function registerRateLimit(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    hook: 'preParsing',
    max: perMinute,
    timeWindow: 60_000,
    cache: 10_000,
    keyGenerator: ({ routeOptions, ip, user }) =>
      isForUsers(routeOptions.config.access) ? `user:${user.id}` : `address:${ip}`,
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
