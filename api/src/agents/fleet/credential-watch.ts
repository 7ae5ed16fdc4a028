import { type Clock, pause } from 'clock-port';
import { revoked, stillValid } from '../../auth/agents.ts';
import type { LinkMetrics } from '../link/metrics.ts';
import type { Store } from '../../store/store.ts';
import type { AgentLink } from '../link/link.ts';

interface WatchDeps {
  readonly store: Pick<Store, 'credentials'>;
  readonly clock: Clock;
}

/** Ends the link, and resolves with false, if its credential is no longer valid for the agent [AUTH6]. Rejects if the store does not answer. */
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
 * Checks the credentials of links without heartbeats, because heartbeats trigger the check and a thief need not send any. Queued behind the
 * link's earlier work on the store, so that a just confirmed rotation is complete.
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
        // without the store the check waits for the next time: an outage must not cost the agent's screens
        await checkCredential(deps, link).catch(() => deps.counters.storeFailures.inc({ step: 'credential' }));
      });
    }
  }
}
