import { type AgentMessageOf, PROTOCOL_VERSIONS, StreamSpaceError } from '@streamspace/protocol';
import type { ClaimResult } from '../../store/store.ts';

/** The reason for a refused `hello` [CON4]. */
export interface HelloRefusal {
  error: StreamSpaceError;
  /** The remedy for the agent's operators, in words. */
  remedy: string;
  /** The hub's term, if the agent's was too small [TERM3]. */
  term?: number;
  retryAfterMs: number;
}

type Hello = AgentMessageOf<'hello'>;
type Denied = Extract<ClaimResult, { accepted: false }>;

export function foreignAgent(hello: Hello, agentId: string): HelloRefusal {
  return {
    error: new StreamSpaceError('forbidden', `the credential belongs to agent ${agentId}, not to ${hello.agent_id}`),
    remedy: `Set AGENT_ID=${agentId}, or enrol ${hello.agent_id} and use its credential`,
    retryAfterMs: 60_000,
  };
}

export function noCommonVersion(hello: Hello): HelloRefusal {
  const agent = hello.versions.join(', ');
  const hub = PROTOCOL_VERSIONS.join(', ');
  const agentIsOld = Math.max(...hello.versions) < Math.min(...PROTOCOL_VERSIONS);
  return {
    error: new StreamSpaceError('unsupported_version', `the agent speaks protocol version ${agent}, the hub ${hub}`, {
      agent: [...hello.versions],
      hub: [...PROTOCOL_VERSIONS],
    }),
    remedy: `Upgrade the ${agentIsOld ? 'agent' : 'hub'}`,
    retryAfterMs: 60_000,
  };
}

export function denied(hello: Hello, claim: Denied): HelloRefusal {
  if (claim.code === 'stale_term') {
    return {
      error: new StreamSpaceError(
        'stale_term',
        `term ${hello.term} of ${hello.replica} is not above ${claim.term}, which ${claim.replica} had`,
        {
          term: claim.term,
        },
      ),
      remedy: `If this replica still holds the lease, write a term above ${claim.term} into it and connect again`,
      term: claim.term,
      // the holder of the lease needs a moment for one write to it; another replica is about to find out
      retryAfterMs: 100,
    };
  }
  return {
    error: new StreamSpaceError(
      'duplicate_agent',
      `${claim.replica} is connected as agent ${hello.agent_id} and answers`,
    ),
    remedy:
      'Set ENABLE_HA=true if these are replicas of one agent (they elect the one that connects), or give each agent its own AGENT_ID',
    retryAfterMs: 60_000,
  };
}

export function trouble(error: StreamSpaceError): HelloRefusal {
  return { error, remedy: 'Nothing to do at the agent: it connects again by itself', retryAfterMs: 5_000 };
}
