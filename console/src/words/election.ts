import type { Election } from '@streamspace/protocol';

/** Why a lease was free, as the rest of “Became leader: …”. */
export const ELECTION_REASONS: Readonly<Record<Election['reason'], string>> = {
  created: 'the first leader of this agent',
  released: 'the previous leader stepped down',
  expired: 'the previous leader’s lease ran out',
  deleted: 'the lease was deleted',
  holder_gone: 'the previous leader’s process was gone',
  adopted: 'it held the lease already',
};

/** What to do about a refused connection, by error code. */
export function remedyOf(code: string): string {
  switch (code) {
    case 'duplicate_agent':
      return 'Turn leader election on (ENABLE_HA=true) for all replicas of this agent, or give each its own AGENT_ID.';
    case 'stale_term':
      return 'Nothing to do: if it still holds the lease it takes a greater term and comes again by itself.';
    case 'superseded':
      return 'Nothing to do: a newer leader serves. This replica goes back to standby.';
    case 'unauthenticated':
    case 'forbidden':
      return 'Enrol the agent again, and check that AGENT_TOKEN belongs to this AGENT_ID.';
    case 'unsupported_version':
      return 'Update the agent or the hub: they have no protocol version in common.';
    default:
      return 'See the agent’s log for what it tried.';
  }
}
