import { Outage, pause, whenAborted } from 'clock-port';
import { newCommand } from '../../commands/new-command.ts';
import type { HubDeps } from '../../deps.ts';
import type { AgentLink } from '../link/link.ts';
import type { CommandNotifier } from '../ports.ts';
import { retrying } from '../../flow/retrying.ts';

/** Milliseconds between the requests to two agents, so that thousands don't answer at once. */
const PACE_MS = 5;
/** Milliseconds from one round to the next, however often the store returns. */
const ROUND_MS = 30_000;

export interface RelearnDeps extends Pick<HubDeps, 'store' | 'clock' | 'log' | 'config' | 'randomBytes'> {
  readonly dispatcher: CommandNotifier;
}

/** Asks an agent for its sessions; the answer corrects the store [SES3]. */
export async function askForSessions(deps: RelearnDeps, agentId: string): Promise<void> {
  const traceId = deps.randomBytes(16).toString('hex');
  const about = { action: 'list_sessions', agent: agentId, session: null, user: 'hub', traceId } as const;
  await deps.store.commands.append(newCommand(deps, about));
  deps.dispatcher.wake(agentId);
}

/**
 * When the store has come back, asks every agent that is connected here for its sessions: the store may have lost the agents' last messages,
 * and agents don't repeat them. Runs until the signal aborts.
 */
export async function relearn(deps: RelearnDeps, links: () => Iterable<AgentLink>, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = deps;
  const outage = new Outage(clock, log, 'Agent not asked for its sessions');
  let wanted = false;
  let wake = (): void => {};
  whenAborted(signal, () => wake());
  store.onReturn(() => {
    wanted = true;
    wake();
  }, signal);
  while (!signal.aborted) {
    if (!wanted) await new Promise<void>((resolve) => (wake = resolve));
    if (signal.aborted) return;
    wanted = false;
    log.info('The store is back: agents are asked for their sessions');
    for (const link of Array.from(links())) {
      if (signal.aborted) return;
      if (!link.open) continue;
      try {
        await retrying(clock, link.signal, () => askForSessions(deps, link.agentId));
      } catch (error) {
        if (link.open) outage.failed({ err: error, agent: link.agentId });
      }
      await pause(clock, PACE_MS, signal);
    }
    await pause(clock, ROUND_MS, signal);
  }
}
