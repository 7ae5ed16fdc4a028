import type { FastifyInstance } from 'fastify';
import type { HubDeps } from '../deps.ts';
import { listing } from '../http/listing.ts';
import { Items, route, Shared } from '../http/route.ts';

export function templateRoutes(app: FastifyInstance, { store }: HubDeps): void {
  app.get(
    '/templates',
    route({ tag: 'templates', summary: 'List templates', answer: Items(Shared('Template')) }),
    async () => {
      return listing(await store.templates.list());
    },
  );
}
