import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { Accepted, Agent, Command, ErrorAnswer, Event, Quota, Session, Template, Ticket } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import type { HubConfig } from '../config.ts';

const SCHEMAS = { Agent, Session, Command, Template, Ticket, Accepted, Event, ErrorAnswer, Quota };

/** OpenAPI from the routes' schemas, and a page to browse it, which needs no other host. Register before the routes. */
export async function registerDocumentation(
  app: FastifyInstance,
  { publicUrl }: Pick<HubConfig, 'publicUrl'>,
): Promise<void> {
  for (const [$id, schema] of Object.entries(SCHEMAS)) app.addSchema({ ...schema, $id });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'StreamSpace',
        version: '1',
        description:
          'Desktops on remote computers. The hub answers a command for an agent with 202 as soon as it is stored.',
      },
      ...(publicUrl !== undefined && { servers: [{ url: publicUrl }] }),
      tags: ['sessions', 'agents', 'commands', 'templates', 'events', 'audit', 'operations'].map((name) => ({ name })),
      components: {
        securitySchemes: {
          user: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'A JWT with `sub`, `exp` and `roles` (`user` or `admin`)',
          },
          enrolment: { type: 'http', scheme: 'bearer', description: 'An enrolment token' },
        },
      },
    },
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, index) => (typeof $id === 'string' ? $id : `schema-${index}`),
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // its files' addresses are relative, as a proxy may have taken a path away
    indexPrefix: '.',
    theme: { title: 'StreamSpace API' },
    uiConfig: { deepLinking: true, validatorUrl: null as unknown as string },
  });
}
