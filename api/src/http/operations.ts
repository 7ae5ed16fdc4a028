import { StreamSpaceError } from '@streamspace/protocol';
import { withDeadline } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram } from 'prom-client';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { route } from './route.ts';

/** Milliseconds that the store has to show that it can be used. */
const PING_MS = 2_000;

/** What the REST half measures of itself. A scrape without the store has no figures of what is in it, and all others. */
export function registerMetrics(servers: readonly FastifyInstance[], { metrics, store, clock }: HubDeps): void {
  const registers = [metrics];
  const list = () =>
    withDeadline(clock, PING_MS, 'the store', undefined, () => store.agents.list()).catch(() => undefined);
  new Gauge({
    name: 'streamspace_hub_store_up',
    help: '1 while the store answers',
    registers,
    async collect() {
      const ping = withDeadline(clock, PING_MS, 'the store', undefined, (signal) => store.ping(signal));
      this.set(
        await ping.then(
          () => 1,
          () => 0,
        ),
      );
    },
  });
  const requests = new Histogram({
    name: 'streamspace_api_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const refusals = new Counter({
    name: 'streamspace_api_refusals_total',
    help: 'Requests answered with an error, by status',
    labelNames: ['status'],
    registers,
  });
  new Gauge({
    name: 'streamspace_api_agents',
    help: 'Known agents, connected or not',
    labelNames: ['connected'],
    registers,
    async collect() {
      const agents = await list();
      if (agents === undefined) return this.reset();
      const connected = agents.filter((agent) => agent.connected).length;
      this.set({ connected: 'true' }, connected);
      this.set({ connected: 'false' }, agents.length - connected);
    },
  });
  new Gauge({
    name: 'streamspace_api_sessions_active',
    help: 'Live sessions, by agent',
    labelNames: ['agent'],
    registers,
    async collect() {
      this.reset();
      for (const agent of (await list()) ?? []) this.set({ agent: agent.id }, agent.active_sessions);
    },
  });
  for (const server of servers)
    server.addHook('onResponse', async (request, reply) => {
      const status = String(reply.statusCode);
      requests.observe(
        { method: request.method, route: request.routeOptions.url ?? 'none', status },
        reply.elapsedTime / 1_000,
      );
      if (reply.statusCode >= 400) refusals.inc({ status });
    });
}

/**
 * GET /health and /ready, for probes: open, and not limited. Registered at the root and under /api/v1.
 * A hub without its store is alive and ready: screens go on, and restarting it would end them.
 */
export function operationRoutes(
  app: FastifyInstance,
  { store, clock, draining }: HubDeps & { draining: () => boolean },
): void {
  const started = clock.monotonic();
  const health = route({
    tag: 'operations',
    summary: 'How this hub is',
    description:
      'Always 200 while the hub runs; `degraded` with the `missing` part. Without the store screens go on, but commands are refused.',
    access: 'open',
    answer: Type.Object(
      {
        status: Type.Enum(['ok', 'degraded', 'draining']),
        uptime: Type.Number({ description: 'seconds', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
        missing: Type.Optional(
          Type.Array(
            Type.Object(
              { what: Type.String({ maxLength: 64 }), reason: Type.String({ maxLength: 4096 }) },
              { additionalProperties: false },
            ),
            { maxItems: 8 },
          ),
        ),
      },
      { additionalProperties: false },
    ),
  });
  app.get('/health', { ...health, config: { ...health.config, rateLimit: false } }, async () => {
    const uptime = (clock.monotonic() - started) / 1_000;
    try {
      await withDeadline(clock, PING_MS, 'the store', undefined, (signal) => store.ping(signal));
    } catch (error) {
      const reason = `the store does not answer (${(error as Error).message}): check STORE_URL and the store behind it`;
      return { status: 'degraded' as const, uptime, missing: [{ what: 'store', reason }] };
    }
    return { status: draining() ? ('draining' as const) : ('ok' as const), uptime };
  });

  const ready = route({
    tag: 'operations',
    summary: 'Whether this hub takes new connections',
    access: 'open',
    answer: Type.Object({ status: Type.Literal('ready') }, { additionalProperties: false }),
    errors: ['going_away'],
  });
  app.get('/ready', { ...ready, config: { ...ready.config, rateLimit: false } }, async () => {
    if (draining()) throw new StreamSpaceError('going_away', 'this hub is about to stop: use another');
    return { status: 'ready' as const };
  });
}

/** GET /metrics, on the port that only the inside of a network reaches. */
export function metricsRoute(internal: FastifyInstance, { metrics }: Pick<HubDeps, 'metrics'>): void {
  internal.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
}
