import type { Agent } from '@streamspace/protocol';

/** The public status of an agent, from its reports. Records of older versions have no reason. */
export function shownStatus(
  agent: Pick<Agent, 'connected' | 'draining' | 'status'> & { readonly status_reason?: string | null },
): Pick<Agent, 'status' | 'status_reason'> {
  const live = agent.connected && !agent.draining;
  return live
    ? { status: agent.status, status_reason: agent.status_reason ?? null }
    : { status: 'offline', status_reason: null };
}
