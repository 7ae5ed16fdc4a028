import type { AgentRecord, AgentStore, Claim, ClaimResult } from '../store.ts';
import { shownStatus } from '../shown-status.ts';
import type { MemoryState, StoredAgent } from './state.ts';

export function memoryAgents(state: MemoryState): AgentStore {
  const holds = (agentId: string, connectionId: string): StoredAgent | undefined => {
    const agent = state.agents.get(agentId);
    return agent !== undefined && agent.connection_id === connectionId ? agent : undefined;
  };

  const record = (agent: StoredAgent): AgentRecord => {
    const { sessions, cpu, memory } = state.usage(agent.id);
    return { ...agent, ...shownStatus(agent), active_sessions: sessions, used: { cpu, memory } };
  };

  const verdict = (
    before: StoredAgent | undefined,
    { term, replica, takeover }: Claim,
  ): { term: number } | { code: 'stale_term' | 'duplicate_agent' } => {
    const last = before?.term ?? 0;
    if (term !== 0)
      return term > last || (term === last && replica === before?.leader) ? { term } : { code: 'stale_term' };
    const holder = before?.connection_id ?? null;
    return holder === null || takeover === true || takeover === holder
      ? { term: last + 1 }
      : { code: 'duplicate_agent' };
  };

  return {
    async claim(claim): Promise<ClaimResult> {
      const before = state.agents.get(claim.agentId);
      const result = verdict(before, claim);
      const previous =
        before && before.connection_id !== null
          ? { connectionId: before.connection_id, hub: before.hub ?? '' }
          : undefined;
      if ('code' in result) {
        return {
          accepted: false,
          code: result.code,
          term: before!.term,
          replica: before!.leader ?? '',
          ...(previous && { connectionId: previous.connectionId }),
        };
      }
      const { hello, at } = claim;
      state.agents.set(claim.agentId, {
        id: claim.agentId,
        platform: hello.platform,
        region: hello.region,
        priority: hello.priority,
        status: 'online',
        status_reason: null,
        draining: before?.draining ?? false,
        connected: true,
        last_heartbeat: before?.last_heartbeat ?? null,
        connected_since: at,
        capacity: hello.capacity,
        leader: claim.replica,
        term: result.term,
        replicas: [{ name: claim.replica, role: 'leader', since: hello.election?.elected_at ?? at }],
        election: hello.election ?? null,
        build: hello.build,
        connection_id: claim.connectionId,
        hub: claim.hub,
      });
      return { accepted: true, term: result.term, ...(previous && { previous }) };
    },

    async release(agentId, connectionId, awaySince) {
      const agent = holds(agentId, connectionId);
      if (agent === undefined) return false;
      // `leader` stays: the same replica may come again with the same term
      const away = { connected: false, connected_since: null, connection_id: null, hub: null, away_since: awaySince };
      state.agents.set(agentId, { ...agent, ...away });
      return true;
    },

    async heartbeat(agentId, connectionId, beat, at) {
      const agent = holds(agentId, connectionId);
      if (agent === undefined) return false;
      state.agents.set(agentId, {
        ...agent,
        status: beat.status,
        status_reason: beat.status_reason ?? null,
        capacity: beat.capacity,
        replicas: beat.replicas,
        ...(beat.isolation !== undefined && { isolation: beat.isolation }),
        last_heartbeat: at,
      });
      return true;
    },

    async setDraining(agentId, draining) {
      const agent = state.agents.get(agentId);
      if (agent === undefined) return undefined;
      const changed = { ...agent, draining };
      state.agents.set(agentId, changed);
      return record(changed);
    },

    async get(agentId) {
      const agent = state.agents.get(agentId);
      return agent && record(agent);
    },

    async list() {
      return [...state.agents.values()].map(record).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}
