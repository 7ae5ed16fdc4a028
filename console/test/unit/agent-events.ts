import type { Agent, Event } from '@streamspace/protocol';

/** 12:00:00 UTC of a day; the histories of the tests begin there. */
export const NOON = Date.UTC(2026, 0, 31, 12);

const iso = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

/** An agent led by `leader` under `term`; `standbys` are there since second 0. */
export function agentOf(leader: string | null, term: number, standbys: string[] = [], since = 0): Agent {
  return {
    id: 'desk',
    platform: 'process',
    region: 'local',
    priority: 'normal',
    status: leader === null ? 'offline' : 'online',
    draining: false,
    status_reason: null,
    connected: leader !== null,
    last_heartbeat: iso(since),
    connected_since: leader === null ? null : iso(since),
    capacity: { cpu: '8000m', cpu_cores: 8, memory: '16Gi', memory_bytes: 2 ** 34, max_sessions: 10 },
    active_sessions: 0,
    used: { cpu: 0, memory: 0 },
    leader,
    term,
    replicas: [
      ...(leader === null ? [] : [{ name: leader, role: 'leader' as const, since: iso(since) }]),
      ...standbys.map((name) => ({ name, role: 'standby' as const, since: iso(0) })),
    ],
    election: {
      term,
      reason: 'holder_gone',
      previous_holder: 'somebody',
      elected_at: iso(since),
      election_ms: 5,
    },
    build: 'test',
  };
}

/** Writes events in order; times in seconds after noon. */
export class EventLog {
  readonly events: Event[] = [];

  registered(at: number, leader: string, term: number, standbys: string[] = []): this {
    return this.#add(at, 'agent.registered', { ...agentOf(leader, term, standbys, at), connection_id: `c${at}` });
  }

  updated(at: number, agent: Agent): this {
    return this.#add(at, 'agent.updated', { ...agent });
  }

  disconnected(at: number, reason: string): this {
    return this.#add(at, 'agent.disconnected', { reason });
  }

  refused(at: number, replica: string, term: number, code: string): this {
    return this.#add(at, 'agent.refused', { replica, term, code, message: `${replica} may not` });
  }

  #add(at: number, type: Event['type'], data: Event['data']): this {
    this.events.push({ id: this.events.length + 1, at: iso(at), type, agent: 'desk', session: null, user: null, data });
    return this;
  }
}
