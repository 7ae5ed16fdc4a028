import { iso, parseIso } from 'clock-port';
import type { LinkMetrics } from '../link/metrics.ts';
import type { AgentRecord } from '../../store/store.ts';
import type { AgentLink } from '../link/link.ts';
import type { CommandNotifier, LinkDeps } from '../ports.ts';
import { askForSessions } from './relearn.ts';

export interface ReclaimDeps extends LinkDeps {
  readonly counters: LinkMetrics;
  readonly dispatcher: CommandNotifier;
}

/**
 * Whether the store's record is older than this link: the store was emptied, or lost its last writes when another of its servers took over.
 * Terms never go back, so the link registers again with its own.
 */
export function forgotten(
  record: AgentRecord | undefined,
  link: Pick<AgentLink, 'term' | 'replica' | 'since'>,
): boolean {
  if (record === undefined || record.term < link.term) return true;
  if (record.term > link.term || record.leader !== link.replica) return false;
  return record.connected_since === null || parseIso(record.connected_since) < parseIso(link.since);
}

/**
 * Registers a live link again if the store has forgotten its agent, and asks the agent for its sessions, so that the store learns them again
 * [SES3]. Needs no reconnect: ten thousand agents need not return because a store was emptied. False when another connection has the agent now.
 */
export async function reclaim(deps: ReclaimDeps, link: AgentLink): Promise<boolean> {
  const { store, clock, log, counters, publish, hub } = deps;
  const { agentId, connectionId, term, replica, hello, credentialHash } = link;
  if (hello === undefined) return false;
  const at = iso(clock.now());
  const claim = await store.agents.claim({ agentId, term, replica, connectionId, hub, takeover: false, hello, at });
  counters.reclaims.inc({ outcome: claim.accepted ? 'accepted' : 'refused' });
  if (!claim.accepted) return false;
  log.warn({ agent: agentId, term, connection: connectionId }, 'Agent registered again: the store had lost it');
  // otherwise the agent could not come back
  if (credentialHash !== undefined) await store.credentials.setNew(agentId, credentialHash);
  await deps.seed?.();
  await askForSessions(deps, agentId);
  const agent = await store.agents.get(agentId);
  if (agent !== undefined) await publish.agent('agent.registered', agent);
  return true;
}
