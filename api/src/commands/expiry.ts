import { parseIso } from 'clock-port';
import type { AgentRecord, CommandRecord } from '../store/store.ts';

/**
 * Whether a command that is not final has waited too long [CMD7]. One that a connected agent has is the agent's to end, by its own
 * COMMAND_TIMEOUT: it gets `commandTimeoutMs` more, so that an effect is not called expired while it happens.
 */
export function expired(
  command: Pick<CommandRecord, 'state' | 'expires_at' | 'connection_id'>,
  agent: Pick<AgentRecord, 'connected' | 'connection_id'> | undefined,
  now: number,
  commandTimeoutMs: number,
): boolean {
  const withAgent =
    command.state !== 'pending' && agent?.connected === true && agent.connection_id === command.connection_id;
  return now > parseIso(command.expires_at) + (withAgent ? commandTimeoutMs : 0);
}
