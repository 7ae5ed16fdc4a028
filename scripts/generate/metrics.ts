import { randomBytes } from 'node:crypto';
import { systemClock } from 'clock-port';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { AgentMetrics } from '../../agent/src/health/metrics.ts';
import { buildApp } from '../../api/src/app.ts';
import { readHubConfig } from '../../api/src/config.ts';
import { publisher } from '../../api/src/events/publisher.ts';
import { processMetrics } from '../../api/src/process-metrics.ts';
import { memoryStore } from '../../api/src/store/memory/memory-store.ts';

export interface Metric {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  labels: readonly string[];
}

/** Every metric of the hub and the agent, from their registries: the content of each `/metrics`. */
export async function allMetrics(): Promise<{ hub: Metric[]; agent: Metric[] }> {
  const { hub, agent } = await registries();
  return { hub: described(hub), agent: described(agent) };
}

/** The text of `/metrics` of the hub and of the agent right after the start, as Prometheus reads it. */
export async function exposed(): Promise<{ hub: string; agent: string }> {
  const { hub, agent } = await registries();
  return { hub: await hub.metrics(), agent: await agent.metrics() };
}

async function registries(): Promise<{ hub: Registry; agent: Registry }> {
  const metrics = new Registry();
  processMetrics(metrics);
  const clock = systemClock;
  const store = memoryStore(clock);
  const { app } = await buildApp({
    config: readHubConfig({ JWT_SECRET: 'x'.repeat(32) }),
    store,
    clock,
    log: pino({ level: 'silent' }),
    randomBytes,
    hub: 'http://hub',
    metrics,
    publish: publisher(store, clock),
  });
  try {
    return { hub: metrics, agent: new AgentMetrics(() => 0).registry };
  } finally {
    await app.close();
  }
}

function described(registry: Registry): Metric[] {
  return registry.getMetricsAsArray().map((metric) => {
    const {
      name,
      help,
      type,
      labelNames = [],
    } = metric as unknown as Omit<Metric, 'labels'> & { labelNames?: string[] };
    return { name, help, type: typeof type === 'string' ? type : kindOf(metric), labels: labelNames };
  });
}

/** prom-client keeps the kind in the class only. */
function kindOf(metric: object): Metric['type'] {
  return metric.constructor.name.toLowerCase() as Metric['type'];
}
