import { parseIso } from 'clock-port';
import type { AgentRecord, CommandRecord } from '../store/store.ts';

/**
 * Whether a command that is not final has waited too long [CMD7]. While its agent is connected it is the agent's to end, by its own
 * COMMAND_TIMEOUT, or waits its turn behind one that is: it gets `commandTimeoutMs` more, so that an effect is not called expired
 * while it happens.
 */
export function expired(
  command: Pick<CommandRecord, 'expires_at'>,
  agent: Pick<AgentRecord, 'connected'> | undefined,
  now: number,
  commandTimeoutMs: number,
): boolean {
  return now > parseIso(command.expires_at) + (agent?.connected === true ? commandTimeoutMs : 0);
}
