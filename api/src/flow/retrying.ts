import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';

/** Milliseconds before each further try of a store that is not available; the last one again and again. */
const PAUSES = [100, 500, 2_000, 5_000];
/** Milliseconds for which a store may be away before the link that needs it is given up. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Runs one step on the store, again after `store_unavailable` for as long as a store may be away, so that its absence costs no link and
 * nothing that an agent said. Rejects with the last error, or when the signal aborts.
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
