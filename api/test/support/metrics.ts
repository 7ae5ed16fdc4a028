import { Registry } from 'prom-client';
import { type LinkMetrics, linkMetrics } from '../../src/agents/link/metrics.ts';

/** Metrics of a part that is tested without its hub. */
export function lonelyMetrics(): LinkMetrics {
  const none = () => 0;
  return linkMetrics(new Registry(), {
    links: none,
    handshakes: none,
    streams: none,
    relays: none,
    commands: none,
    unsettled: none,
    queued: none,
    draining: () => false,
  });
}
