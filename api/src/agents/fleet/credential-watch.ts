import { type Clock, pause } from 'clock-port';
import { revoked, stillValid } from '../../auth/agents.ts';
import type { LinkMetrics } from '../link/metrics.ts';
import type { Store } from '../../store/store.ts';
import type { AgentLink } from '../link/link.ts';

interface WatchDeps {
  readonly store: Pick<Store, 'credentials'>;
  readonly clock: Clock;
}

/** Ends the link, and resolves with false, when its credential is none of the agent's any more [AUTH6]. Rejects when the store can't say. */
export async function checkCredential({ store, clock }: WatchDeps, link: AgentLink): Promise<boolean> {
  const asked = clock.monotonic();
  if (!(await stillValid(store, link))) {
    link.end(revoked(link.agentId));
    return false;
  }
  link.credentialChecked = asked;
  return true;
}

/**
 * Looks at the credentials of links that send no heartbeats, by which the others are looked at: a thief need not send any. Behind what the
 * link has asked of the store before, so that a rotation that it has just confirmed is seen whole.
 */
export async function watchCredentials(
  deps: WatchDeps & { heartbeatMs: number; counters: Pick<LinkMetrics, 'storeFailures'> },
  links: () => Iterable<AgentLink>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, heartbeatMs } = deps;
  while (!signal.aborted) {
    await pause(clock, heartbeatMs / 2, signal);
    if (signal.aborted) return;
    const due = clock.monotonic() - 1.5 * heartbeatMs;
    for (const link of links()) {
      if (link.credentialChecked > due) continue;
      link.queue(0, async () => {
        // without the store it is looked at next time: its absence is no reason to lose the agent's screens
        await checkCredential(deps, link).catch(() => deps.counters.storeFailures.inc({ step: 'credential' }));
      });
    }
  }
}
