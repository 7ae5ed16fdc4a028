import { iso, withDeadline } from 'clock-port';
import { ConflictError, type LeaseState } from './lock.ts';
import type { Replica } from './replica.ts';

/** A released lease runs out at once even for electors that look at nothing else. */
const RELEASED_DURATION_MS = 1000;
const MIN_DEADLINE_MS = 1000;
const MAX_TRIES = 3;

/** Empties the holder if it is this replica. `known`: the state as we believe it is. Never rejects: the lease runs out anyway. */
export async function releaseLease(replica: Replica, known?: LeaseState): Promise<void> {
  const { lock, clock, identity, retryPeriodMs } = replica.settings;
  const ms = Math.max(MIN_DEADLINE_MS, retryPeriodMs);
  try {
    await withDeadline(clock, ms, 'lease release', undefined, async (signal) => {
      for (let state = known, tries = 0; tries < MAX_TRIES; tries++, state = undefined) {
        state ??= await lock.read(signal);
        if (state?.record.holder !== identity) break;
        const record = {
          ...state.record,
          holder: '',
          durationMs: RELEASED_DURATION_MS,
          renewedAt: iso(clock.now()),
        };
        try {
          replica.saw({ record, version: await lock.update(record, state.version, signal) });
          break;
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error;
        }
      }
    });
    replica.unsure = false;
  } catch (error) {
    replica.report('release', error);
  }
  replica.dirty = true;
}
