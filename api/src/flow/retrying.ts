import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';

/** Milliseconds before each retry on an unavailable store; the last value repeats. */
const PAUSES = [100, 500, 2_000, 5_000];
/** Longest outage of the store, milliseconds, before a link that needs it ends. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Runs one step on the store, and repeats it after `store_unavailable` up to the longest outage, so that an outage costs no link and
 * no message of an agent. Rejects with the last error, or when the signal aborts.
 */
export async function retrying<T>(
  clock: Clock,
  signal: AbortSignal,
  step: () => Promise<T>,
  failed: () => void = () => {},
): Promise<T> {
  const began = clock.monotonic();
  for (let tries = 0; ; tries += 1) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StreamSpaceError) || error.code !== 'store_unavailable' || signal.aborted) throw error;
      failed();
      if (clock.monotonic() - began > PATIENCE_MS) throw error;
      await sleep(clock, PAUSES[Math.min(tries, PAUSES.length - 1)]!, signal);
    }
  }
}
