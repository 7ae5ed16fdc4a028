import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';

/** Milliseconds before each further try of a store that was not available. */
const PAUSES = [100, 500, 2_000];

/**
 * Runs one step on the store, again after `store_unavailable` for a few seconds, so that a hiccup of the store costs no link.
 * Rejects with the last error, or when the signal aborts.
 */
export async function retrying<T>(clock: Clock, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StreamSpaceError) || error.code !== 'store_unavailable' || signal.aborted) throw error;
      await sleep(clock, pause, signal);
    }
  }
  return step();
}
