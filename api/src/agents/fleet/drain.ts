import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, whenAborted, withDeadline } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { Store } from '../../store/store.ts';
import type { Roster } from './roster.ts';

/** Milliseconds before agents are sent elsewhere: a load balancer needs a moment to notice that this hub is unready. */
export const BEGIN_MS = 750;
const SPREAD_MS = 1_000;
/** Milliseconds before returns to this hub count: a load balancer may notice the stop late. */
const IN_VAIN_MS = 3_500;
/** Longest wait for the store's answer about other replicas, milliseconds. */
const LOOK_MS = 1_000;
/** Milliseconds between two checks whether all agents keep returning to this hub. */
const LOOK_AGAIN_MS = 250;

export interface DrainDeps {
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly store: Pick<Store, 'agents'>;
  readonly hub: string;
  readonly randomBytes: (size: number) => Buffer;
  readonly roster: Roster;
  /** Number of agents that returned here while this hub stops. */
  readonly reception: { readonly sentAway: number };
}

/**
 * Asks every agent to connect elsewhere before it leaves this hub [CON8], and resolves when all have left. If there is no other replica
 * (agents return to this hub, and no other one is known), it waits only until it has noticed that. Agents that remain when
 * the signal aborts are left to the caller.
 */
export async function sendElsewhere(deps: DrainDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, roster, reception } = deps;
  const gone = new StreamSpaceError('going_away', 'this hub is about to stop; connect again');
  roster.endArriving(gone);
  const before = roster.counts.links;
  const began = clock.monotonic();
  if (before === 0) return;
  let others = await otherReplicas(deps, signal);
  for (const link of roster.live) {
    const reconnect_after_ms = BEGIN_MS + Math.floor((deps.randomBytes(1)[0]! / 256) * SPREAD_MS);
    const told = link.tell({ type: 'go_away', reason: gone.message, reconnect_after_ms });
    if (!told) link.end(gone);
  }
  log.info({ agents: before, others }, 'Agents asked to connect elsewhere');
  await new Promise<void>((resolve) => {
    const over = new AbortController();
    let forget = (): void => undefined;
    const look = (): void => {
      if (over.signal.aborted) return;
      const { links } = roster.counts;
      if (links < before) others = true;
      const inVain = !others && reception.sentAway >= links && clock.monotonic() - began >= IN_VAIN_MS;
      if (links > 0 && !inVain && !signal.aborted) return;
      over.abort();
      timer.cancel();
      forget();
      resolve();
    };
    const again = (): void => {
      look();
      if (!over.signal.aborted) timer = clock.setTimeout(again, LOOK_AGAIN_MS);
    };
    let timer = clock.setTimeout(again, LOOK_AGAIN_MS);
    roster.onLeave(look, over.signal);
    forget = whenAborted(signal, look);
    look();
  });
  const { links } = roster.counts;
  if (links > 0) log.warn({ agents: links }, 'Agents did not connect elsewhere in time; ending their connections');
}

/** Whether an agent is connected to another replica, which proves that there is one. */
async function otherReplicas({ clock, store, hub }: DrainDeps, signal: AbortSignal): Promise<boolean> {
  try {
    const agents = await withDeadline(clock, LOOK_MS, 'the store', signal, () => store.agents.list());
    return agents.some((agent) => agent.connected && agent.hub !== null && agent.hub !== hub);
  } catch {
    return false;
  }
}
