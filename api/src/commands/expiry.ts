import { parseIso } from 'clock-port';
import type { AgentRecord, CommandRecord } from '../store/store.ts';

/**
 * Whether a command that is not final has waited too long [CMD7]. While its agent is connected, the agent ends the command by its own
 * COMMAND_TIMEOUT, or the command waits behind another one there. So it gets `commandTimeoutMs` more, and the hub does not fail a command as
 * expired while it takes effect.
 */
export function expired(
  command: Pick<CommandRecord, 'expires_at'>,
  agent: Pick<AgentRecord, 'connected'> | undefined,
  now: number,
  commandTimeoutMs: number,
): boolean {
  return now > parseIso(command.expires_at) + (agent?.connected === true ? commandTimeoutMs : 0);
}
