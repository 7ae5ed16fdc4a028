import type { Agent, Session } from '@streamspace/protocol';

export interface Usage {
  sessions: number;
  cpu: number;
  memory: number;
  /** The sums lack other users' sessions: this user may not see them. */
  partly: boolean;
}

/** States in which a session takes no CPU and no memory. */
const RESTING = new Set<Session['state']>(['hibernated', 'gone', 'failed']);

/** What is taken of an agent, as far as the sessions that this user sees tell. */
export function usageOf(agent: Agent, sessions: readonly Session[], seesAll: boolean): Usage {
  const live = sessions.filter((session) => session.agent === agent.id && !RESTING.has(session.state));
  const count = Math.max(seesAll ? live.length : 0, agent.active_sessions);
  return {
    sessions: count,
    cpu: live.reduce((sum, session) => sum + session.cpu, 0),
    memory: live.reduce((sum, session) => sum + session.memory, 0),
    partly: !seesAll && live.length < count,
  };
}
