import type { Quota } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import type { HubDeps } from '../deps.ts';
import { route, Shared } from '../http/route.ts';
import { subjectOf } from './check.ts';
import { sessionsUse } from './count.ts';

export function quotaRoutes(app: FastifyInstance, { store, quotas }: Pick<HubDeps, 'store' | 'quotas'>): void {
  app.get(
    '/quota',
    route({
      tag: 'sessions',
      summary: 'Get your limits and what your sessions use',
      description: 'CPU in cores, memory and storage in bytes. A limit that is absent is none.',
      answer: Shared('Quota'),
    }),
    async ({ user }): Promise<Quota> => ({
      limits: quotas?.limitsOf(subjectOf(user.id)) ?? {},
      used: sessionsUse(await store.sessions.list({ user: user.id })),
    }),
  );
}
