import type { AgentMetrics } from './metrics.ts';
import { json, type Routes } from './server.ts';

/** What the probes tell, read at each request. */
export interface AgentView {
  readonly agentId: string;
  /** Seconds. */
  readonly uptime: number;
  readonly role: 'leader' | 'standby';
  /** False when this replica can't win an election any more. */
  readonly electing: boolean;
  readonly connected: boolean;
  /** RFC 3339; null before the first one was answered. */
  readonly lastHeartbeat: string | null;
  /** Name of the leading replica, '' if none is known, and its term. */
  readonly leader: string;
  readonly term: number;
}

/** `/health`: restart me if it fails. `/ready`: a healthy standby is ready, a leader is while the control plane has it. */
export function probeRoutes(view: AgentView): Routes {
  return {
    '/health': () =>
      json(view.electing ? 200 : 503, {
        status: view.electing ? 'ok' : 'elector stopped',
        agent_id: view.agentId,
        uptime: Math.floor(view.uptime),
      }),
    '/ready': () => {
      const ready = view.electing && (view.role === 'standby' || view.connected);
      return json(ready ? 200 : 503, {
        status: ready ? 'ready' : view.electing ? 'not connected' : 'elector stopped',
        role: view.role,
        control_plane_connected: view.connected,
        last_heartbeat: view.lastHeartbeat,
      });
    },
    '/leader': () => json(200, { is_leader: view.role === 'leader', leader: view.leader, term: view.term }),
  };
}

export function metricsRoutes(metrics: AgentMetrics): Routes {
  return {
    '/metrics': async () => ({
      status: 200,
      type: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
  };
}
