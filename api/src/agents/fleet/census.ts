import { type Clock, iso, Outage, parseIso, pause } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Publisher } from '../../events/publisher.ts';
import type { AgentRecord, Store } from '../../store/store.ts';

/** Whether a connected agent has been silent for so long that the hub replica that held it must have died with it. */
export function lost(agent: AgentRecord, now: number, heartbeatMs: number): boolean {
  if (!agent.connected || agent.connection_id === null) return false;
  return now - lastHeard(agent) > 4 * heartbeatMs;
}

const lastHeard = (agent: AgentRecord): number =>
  Math.max(...[agent.last_heartbeat, agent.connected_since].map((at) => (at === null ? 0 : parseIso(at))));

/**
 * Marks agents as disconnected that died together with their hub replica and did not return. A safety net: an agent that
 * returns is registered at once, without waiting for this.
 */
export async function census(
  deps: {
    store: Pick<Store, 'agents'>;
    clock: Clock;
    log: FastifyBaseLogger;
    publish: Publisher;
    heartbeatMs: number;
    /** Connection of that agent to this replica. */
    holds(agentId: string): string | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, log, publish, heartbeatMs } = deps;
  const outage = new Outage(clock, log, 'Search for agents of a dead hub replica failed; trying again');
  while (!signal.aborted) {
    await pause(clock, 2 * heartbeatMs, signal);
    if (signal.aborted) return outage.stop();
    try {
      for (const agent of await store.agents.list()) {
        const { id, connection_id: connection } = agent;
        if (connection === null || deps.holds(id) === connection || !lost(agent, clock.now(), heartbeatMs)) continue;
        if (!(await store.agents.release(id, connection, iso(lastHeard(agent))))) continue;
        log.warn({ agent: id, hub: agent.hub }, 'Agent lost together with its hub replica');
        await publish.agentDisconnected(id, 'its hub replica is gone, and it did not connect again');
      }
      outage.over();
    } catch (error) {
      outage.failed({ err: error });
    }
  }
}
