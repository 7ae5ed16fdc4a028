import { coalesce } from 'clock-port';
import type { AgentRecord, AgentStore, ClaimResult } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { fields, pairs, record } from './hashes.ts';
import { KEYS } from './keys.ts';
import { shownStatus } from '../shown-status.ts';
import { SCRIPTS } from './scripts.ts';

/** An agent's hash: its record, and its counters. `status` is the one that the agent reported. */
interface Stored extends Omit<AgentRecord, 'active_sessions' | 'used'> {
  used_sessions?: number;
  /** Millionths of a core. */
  used_cpu?: number;
  used_memory?: number;
  /** Number of commands ever accepted. */
  accepted?: number;
}

function shown(stored: Stored | undefined): AgentRecord | undefined {
  // for an agent that never came, the hash has only the counters of its sessions
  if (stored?.id === undefined) return undefined;
  const { used_sessions, used_cpu, used_memory, accepted: _accepted, ...agent } = stored;
  return {
    ...agent,
    ...shownStatus(agent),
    active_sessions: used_sessions ?? 0,
    used: { cpu: (used_cpu ?? 0) / 1e6, memory: used_memory ?? 0 },
  };
}

export function redisAgents(connection: RedisConnection): AgentStore {
  const get = async (agentId: string): Promise<AgentRecord | undefined> => {
    return shown(record<Stored>(await connection.run(SCRIPTS.get, [KEYS.agent(agentId)], [])));
  };

  const all = async (): Promise<AgentRecord[]> => {
    const ids = await connection.do((client) => client.smembers(KEYS.agents));
    const agents = await Promise.all(ids.map(get));
    return agents.filter((agent) => agent !== undefined).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  };
  // a list takes one step per agent: concurrent lists share a run, so that they don't use up the steps that a hub may have in progress
  const together = coalesce(all);

  return {
    get,

    async claim({ agentId, term, replica, connectionId, hub, takeover, hello, at }): Promise<ClaimResult> {
      const now: Partial<Stored> = {
        id: agentId,
        platform: hello.platform,
        region: hello.region,
        priority: hello.priority,
        status: 'online',
        status_reason: null,
        connected: true,
        connected_since: at,
        capacity: hello.capacity,
        leader: replica,
        replicas: [{ name: replica, role: 'leader', since: hello.election?.elected_at ?? at }],
        election: hello.election ?? null,
        build: hello.build,
        connection_id: connectionId,
        hub,
      };
      const onlyNew = fields({ draining: false, last_heartbeat: null });
      const args = [term, JSON.stringify(replica), JSON.stringify(takeover), fields(now), onlyNew];
      // in parallel, because many agents come at once: a claim whose index was not written gets no answer, and the agent comes again
      const [claimed] = await Promise.all([
        connection.runDurably(SCRIPTS.claim, [KEYS.agent(agentId)], args),
        connection.do((client) => client.sadd(KEYS.agents, agentId)),
      ]);
      const [answer, last, third, fourth] = claimed as [string, string, string, string];
      if (answer === 'accepted') {
        const before = JSON.parse(third) as string | null;
        const previous = before === null ? {} : { previous: { connectionId: before, hub: hubOf(fourth) } };
        return { accepted: true, term: Number(last), ...previous };
      }
      const holder = JSON.parse(fourth) as string | null;
      return {
        accepted: false,
        code: answer as 'stale_term' | 'duplicate_agent',
        term: Number(last),
        replica: JSON.parse(third) as string,
        ...(holder !== null && { connectionId: holder }),
      };
    },

    async release(agentId, connectionId, awaySince) {
      // `leader` stays: the same replica may come again with the same term
      const nowhere = { connected: false, connected_since: null, connection_id: null, hub: null };
      const away: Partial<Stored> = { ...nowhere, away_since: awaySince };
      return ifHolds(agentId, connectionId, away);
    },

    heartbeat(agentId, connectionId, { status, status_reason = null, capacity, replicas, isolation }, at) {
      const known = { status, status_reason, capacity, replicas, ...(isolation !== undefined && { isolation }) };
      return ifHolds(agentId, connectionId, { ...known, last_heartbeat: at });
    },

    async setDraining(agentId, draining) {
      return shown(record(await connection.run(SCRIPTS.change, [KEYS.agent(agentId)], pairs({ draining }))));
    },

    async list() {
      return (await together()).map((agent) => ({ ...agent }));
    },
  };

  async function ifHolds(agentId: string, connectionId: string, change: Partial<Stored>): Promise<boolean> {
    const args = [JSON.stringify(connectionId), ...pairs(change)];
    return (await connection.run(SCRIPTS.ifHolds, [KEYS.agent(agentId)], args)) === 1;
  }
}

const hubOf = (text: string): string => (JSON.parse(text) as string | null) ?? '';
