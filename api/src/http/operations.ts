import { StreamSpaceError } from '@streamspace/protocol';
import { withDeadline } from 'clock-port';
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Histogram } from 'prom-client';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { route } from './route.ts';

/** Milliseconds that the store has to show that it can be used. */
const PING_MS = 2_000;

/** What the REST half measures of itself. */
export function registerMetrics(app: FastifyInstance, { metrics, store }: HubDeps): void {
  const registers = [metrics];
  const requests = new Histogram({
    name: 'streamspace_api_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const refusals = new Counter({
    name: 'streamspace_api_refusals_total',
    help: 'Requests answered with an error',
    labelNames: ['status'],
    registers,
  });
  new Gauge({
    name: 'streamspace_api_agents',
    help: 'Agents known to the hub, by whether they are connected',
    labelNames: ['connected'],
    registers,
    async collect() {
      const agents = await store.agents.list();
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
      for (const agent of await store.agents.list()) this.set({ agent: agent.id }, agent.active_sessions);
    },
  });
  app.addHook('onResponse', async (request, reply) => {
    const status = String(reply.statusCode);
    requests.observe(
      { method: request.method, route: request.routeOptions.url ?? 'none', status },
      reply.elapsedTime / 1_000,
    );
    if (reply.statusCode >= 400) refusals.inc({ status });
  });
}

/** GET /health and GET /metrics, for probes and Prometheus: open, and not limited. Registered at the root and under /api/v1. */
export function operationRoutes(app: FastifyInstance, { store, clock, metrics }: HubDeps): void {
  const started = clock.monotonic();
  const health = route({
    tag: 'operations',
    summary: 'Whether this hub can serve',
    access: 'open',
    answer: Type.Object({ status: Type.Literal('ok'), uptime: Type.Number({ description: 'seconds' }) }),
  });
  app.get('/health', { ...health, config: { ...health.config, rateLimit: false } }, async () => {
    try {
      await withDeadline(clock, PING_MS, 'the store', undefined, (signal) => store.ping(signal));
    } catch (error) {
      throw new StreamSpaceError(
        'store_unavailable',
        'the store does not answer: check STORE_URL and what runs there',
        {},
        { cause: error },
      );
    }
    return { status: 'ok', uptime: (clock.monotonic() - started) / 1_000 };
  });

  const page = route({
    tag: 'operations',
    summary: 'Metrics for Prometheus',
    access: 'open',
    answer: Type.String(),
    answerType: 'text/plain',
  });
  app.get('/metrics', { ...page, config: { ...page.config, rateLimit: false } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
}
