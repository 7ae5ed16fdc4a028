import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';
import type { AgentLink } from './link.ts';

/** Ends links that are silent for more than three heartbeat intervals, pings the others once an interval [WIRE5]. One timer for all. */
export async function watchLiveness(
  clock: Clock,
  heartbeatMs: number,
  links: () => Iterable<AgentLink>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(clock, Math.max(25, heartbeatMs / 6), signal);
    } catch {
      return;
    }
    const now = clock.monotonic();
    for (const link of links()) {
      if (now - link.lastHeard > 3 * heartbeatMs) {
        link.end(
          new StreamSpaceError('heartbeat_lost', `nothing heard for ${Math.round((now - link.lastHeard) / 1000)} s`),
        );
      } else if (now - link.lastPinged >= heartbeatMs) link.ping();
    }
  }
}
