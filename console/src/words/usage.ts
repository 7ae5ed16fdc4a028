import type { Agent, Session } from '@streamspace/protocol';

export interface Usage {
  sessions: number;
  cpu: number;
  memory: number;
  /** The sums lack other users' sessions: this user may not see them, and the hub did not say. */
  partly: boolean;
}

/** States in which a session takes no CPU and no memory. */
const RESTING = new Set<Session['state']>(['hibernated', 'gone', 'failed']);

/** What is taken of an agent: by the hub's word, otherwise as far as the sessions that this user sees tell. */
export function usageOf(
  agent: Agent & { used?: { cpu: number; memory: number } },
  sessions: readonly Session[],
): Usage {
  const live = sessions.filter((session) => session.agent === agent.id && !RESTING.has(session.state));
  const seen = {
    cpu: live.reduce((sum, session) => sum + session.cpu, 0),
    memory: live.reduce((sum, session) => sum + session.memory, 0),
  };
  return {
    sessions: agent.active_sessions,
    ...(agent.used ?? seen),
    partly: agent.used === undefined && live.length < agent.active_sessions,
  };
}
