import { asStreamSpaceError, StreamSpaceError } from '@streamspace/protocol';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { AgentGateway, LinkDeps } from './agents/ports.ts';
import { agentGateway } from './agents/gateway.ts';
import { agentRoutes } from './agents/routes.ts';
import { registerAudit } from './audit/hook.ts';
import { AuditJournal } from './audit/journal.ts';
import { auditRoutes } from './audit/routes.ts';
import { authenticateAgent } from './auth/agents.ts';
import { originAllowed } from './auth/origins.ts';
import { authenticateEnrolment } from './auth/enrolment.ts';
import { Failures } from './auth/failures.ts';
import { authRoutes } from './auth/routes.ts';
import { takeTicket } from './auth/tickets.ts';
import { userAuth } from './auth/users.ts';
import { commandRoutes } from './commands/routes.ts';
import type { HubDeps } from './deps.ts';
import { eventRoutes } from './events/routes.ts';
import { basePathOf, withoutBasePath } from './http/base-path.ts';
import { bearerOf, registerAccess } from './http/access.ts';
import { registerBodies } from './http/bodies.ts';
import { type Clients, clients } from './http/client-address.ts';
import { registerConnections } from './http/connections.ts';
import { registerConsole } from './http/console.ts';
import { registerDocumentation } from './http/documentation.ts';
import { registerErrors, sendError } from './http/errors.ts';
import { metricsRoute, operationRoutes, registerMetrics } from './http/operations.ts';
import { registerRateLimit } from './http/rate-limit.ts';
import { registerSecurity } from './http/security.ts';
import { shortened } from './http/shortened.ts';
import { registerTrace } from './http/trace.ts';
import { quotaRoutes } from './quotas/routes.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { DisabledUsers } from './sign-in/disabled-users.ts';
import { userRoutes } from './sign-in/user-routes.ts';
import { peopleOf } from './sign-in/people.ts';
import type { Provider } from './sign-in/providers.ts';
import { signInRoutes } from './sign-in/routes.ts';
import { SignInWatch } from './sign-in/watch.ts';
import { templateRoutes } from './sessions/template-routes.ts';
import { withoutUpgradeRoutes } from './tunnel/without-upgrade.ts';

/** Bytes of a request's body. */
const BODY = 64 * 1024;
/** Longest time for a request to arrive completely, milliseconds. */
const REQUEST_MS = 30_000;

export interface AppDeps extends HubDeps {
  /** Holds the agents' links; by default the real one. Tests of the REST part pass their own. */
  gateway?: (deps: LinkDeps) => AgentGateway;
  /** Where users sign in; none: with tokens only. */
  providers?: readonly Provider[];
}

/** The hub's two servers. `inject` works without listening. */
export interface Hub {
  /** REST, events, the page, and the agents' and viewers' WebSockets. `close` ends event streams and links first, and closes `internal`. */
  readonly app: FastifyInstance;
  /** Metrics, and requests of other hub replicas: for the internal network only. */
  readonly internal: FastifyInstance;
}

/** A server that answers with the hub's headers and errors; under `basePath`, and at its root. */
function makeServer({ log, clock, config, randomBytes }: HubDeps, from: Clients, basePath: string): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    bodyLimit: BODY,
    requestTimeout: REQUEST_MS,
    // requests on open connections are also answered while the hub closes
    return503OnClosing: false,
    rewriteUrl: ({ url }) => withoutBasePath(basePath, url ?? '/'),
    // before any hook or handler: an address that can't be decoded
    frameworkErrors: (error, _request, reply) =>
      void sendError(reply, new StreamSpaceError('invalid_request', shortened(error.message))),
    genReqId: () => randomBytes(8).toString('hex'),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        allErrors: true,
        verbose: true,
      },
    },
  });
  // response schemas are documentation: the handler's result is sent unchanged
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  registerConnections(app, clock);
  registerTrace(app, randomBytes);
  registerSecurity(app, config, from);
  registerErrors(app);
  registerBodies(app);
  return app;
}

/** Makes the hub's servers. The store stays the caller's. */
export async function buildApp({
  gateway: makeGateway = agentGateway,
  providers = [],
  ...deps
}: AppDeps): Promise<Hub> {
  const { config, store, clock } = deps;
  const from = clients(config.trustedProxies);
  const app = makeServer(deps, from, basePathOf(config.publicUrl));
  const internal = makeServer(deps, from, '');
  registerMetrics([app, internal], deps);
  metricsRoute(internal, deps);
  await registerDocumentation(app, config);

  const badEnrolments = new Failures(clock, from, { burst: config.rateLimit, everyMs: 60_000 / config.rateLimit });
  const disabled = new DisabledUsers(store, clock);
  const watch = new SignInWatch(store, clock, disabled);
  app.addHook('preClose', async () => watch.stop());
  const people = peopleOf({ ...deps, clients: from, providers, disabled });
  const bearer = userAuth(config, clock);
  const audit = new AuditJournal({ store, clock, kept: config.audit });
  const gateway = makeGateway({
    ...deps,
    audit,
    clients: from,
    authenticateAgent: (bearer) => authenticateAgent(store, bearer),
    originAllowed: (request) => originAllowed(config, request),
    takeTicket: (ticket, sessionId) => takeTicket({ store, clock, disabled }, ticket, sessionId),
    watch,
  });
  gateway.register(app, internal);
  app.addHook('preClose', () => internal.close());

  const operations = { ...deps, draining: () => gateway.draining };
  operationRoutes(app, operations);
  await app.register(
    async (api) => {
      // first: who is refused has an entry too
      registerAudit(api, { journal: audit, clients: from });
      registerAccess(api, {
        // a token goes first: what sends one means it
        user: async (request) => {
          const token = bearerOf(request);
          const signedIn = token === undefined && (await people?.signIns.authenticate(request.raw, request.log));
          const user = signedIn || (await bearer(token));
          await disabled.refuse(user.id);
          return user;
        },
        enrolment: (request) =>
          authenticateEnrolment(deps, bearerOf(request)).catch((error: unknown) => {
            const known = asStreamSpaceError(error);
            throw known.code === 'unauthenticated' ? badEnrolments.count(request.raw, known) : error;
          }),
      });
      await registerRateLimit(api, config.rateLimit, from);
      // a request without a body has an empty body
      api.addHook('preValidation', async (request) => {
        if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {};
      });
      operationRoutes(api, operations);
      api.get('/openapi.json', { schema: { hide: true }, config: { access: 'open' } }, async () => app.swagger());
      sessionRoutes(api, { ...deps, dispatcher: gateway.dispatcher, links: gateway });
      templateRoutes(api, deps);
      quotaRoutes(api, deps);
      agentRoutes(api, { ...deps, dispatcher: gateway.dispatcher });
      authRoutes(api, { ...deps, links: gateway });
      commandRoutes(api, deps);
      eventRoutes(api, { ...deps, watch });
      auditRoutes(api, deps);
      signInRoutes(api, { ...deps, providers, people, watch });
      userRoutes(api, { ...deps, disabled, watch });
      withoutUpgradeRoutes(api, { ...deps, disabled });
    },
    { prefix: '/api/v1' },
  );
  await registerConsole(app, config);
  return { app, internal };
}
