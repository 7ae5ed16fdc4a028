import { collectDefaultMetrics, type Registry } from 'prom-client';

/** prom-client's gauges that are called as if they were counters; nodejs_active_handles and similar metrics have the same by kind. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** Registers prom-client's metrics of the process and of Node.js. */
export function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
