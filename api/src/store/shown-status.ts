import type { Agent } from '@streamspace/protocol';

/** The status of an agent to the world, of what it reported. Records of older versions have no reason. */
export function shownStatus(
  agent: Pick<Agent, 'connected' | 'draining' | 'status'> & { readonly status_reason?: string | null },
): Pick<Agent, 'status' | 'status_reason'> {
  const live = agent.connected && !agent.draining;
  return live
    ? { status: agent.status, status_reason: agent.status_reason ?? null }
    : { status: 'offline', status_reason: null };
}
