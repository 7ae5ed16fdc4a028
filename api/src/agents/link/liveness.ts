import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';
import type { AgentLink } from './link.ts';

/**
 * Ends links that are silent for more than three heartbeat intervals, and pings the others as often as their welcome promised, so that an agent
 * notices within two ping intervals that its hub has vanished [WIRE5]. One timer for all.
 */
export async function watchLiveness(
  clock: Clock,
  { heartbeatMs, pingMs }: { heartbeatMs: number; pingMs: number },
  links: () => Iterable<AgentLink>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(clock, Math.max(25, Math.min(heartbeatMs / 6, pingMs / 4)), signal);
    } catch {
      return;
    }
    for (const link of links()) {
      if (link.pulse.isLost(3 * heartbeatMs)) {
        link.end(
          new StreamSpaceError('heartbeat_lost', `nothing heard for ${Math.round(link.pulse.silentMs / 1000)} s`),
        );
      } else if (link.pulse.isDue(Math.min(heartbeatMs, 0.75 * link.pingMs))) link.ping();
    }
  }
}
