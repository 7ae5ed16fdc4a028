import type { SessionIsolation } from '@streamspace/protocol';
import type { ElectorStatus } from 'lease-elector';
import type { AgentMetrics } from './metrics.ts';
import { jsonAnswer, type Routes } from './server.ts';

/** The state that the probes report. */
export interface AgentView {
  readonly agentId: string;
  /** Seconds. */
  readonly uptime: number;
  readonly role: 'leader' | 'standby';
  /** False when this replica can no longer win an election. */
  readonly electing: boolean;
  readonly connected: boolean;
  /** The isolation between sessions; null where the platform always isolates them. */
  readonly isolation: SessionIsolation | null;
  /** RFC 3339; null before the first answer. */
  readonly lastHeartbeat: string | null;
  /** Name of the leading replica, '' if none is known, and its term. */
  readonly leader: string;
  readonly term: number;
  /** The status of this replica's elector; undefined where HA is off. Times are RFC 3339. */
  readonly election: ElectorStatus | undefined;
}

/**
 * `/health`: a failure means that the process needs a restart. `/ready`: a healthy standby is ready; a leader is ready while the control plane
 * has it.
 */
export function probeRoutes(look: () => AgentView): Routes {
  return {
    '/health': () => {
      const { electing, agentId, uptime } = look();
      const status = electing ? 'ok' : 'elector stopped';
      return jsonAnswer(electing ? 200 : 503, { status, agent_id: agentId, uptime: Math.floor(uptime) });
    },
    '/ready': () => {
      const { electing, role, connected, lastHeartbeat, isolation } = look();
      const ready = electing && (role === 'standby' || connected);
      return jsonAnswer(ready ? 200 : 503, {
        status: ready ? 'ready' : electing ? 'not connected' : 'elector stopped',
        role,
        control_plane_connected: connected,
        last_heartbeat: lastHeartbeat,
        session_isolation: isolation,
      });
    },
    '/leader': () => {
      const { role, leader, term, election } = look();
      const loss = election?.lastLoss;
      return jsonAnswer(200, {
        is_leader: role === 'leader',
        leader,
        term,
        lock: election?.lock ?? null,
        holder: election?.holder ?? null,
        since: election?.since ?? null,
        renewed_at: election?.renewedAt ?? null,
        last_loss: loss === undefined ? null : loss,
        next_attempt_at: election?.nextAttemptAt ?? null,
        watching: election?.watching ?? null,
      });
    },
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
