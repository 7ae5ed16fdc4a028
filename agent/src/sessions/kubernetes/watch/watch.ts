import { setMaxListeners } from 'node:events';
import { sleep } from 'clock-port';
import type { WarmPool } from '../warm/pool.ts';
import { type OnChange, Reporter, type ReporterParts } from './reporter.ts';
import { Sweeper, type SweeperParts } from './sweeper.ts';

/** Leftovers are searched for this often, in the watches' copy: a search costs no request when there are none. Milliseconds. */
const SWEEP_MS = 10_000;

export interface WatchParts extends ReporterParts, SweeperParts {
  readonly pool: WarmPool;
}

/** Reports sessions that change by themselves, removes leftovers and keeps the warm pool, until the signal aborts. */
export async function watchSessions(parts: WatchParts, onChange: OnChange, signal: AbortSignal): Promise<void> {
  const { view, clock, operations, pool } = parts;
  // one listener for each leftover and each failure
  setMaxListeners(0, signal);
  const reporter = new Reporter(parts, onChange, signal);
  const sweeper = new Sweeper(parts);
  // a waiting operation is reported even if the cluster is not in view
  const deafen = operations.listen(
    (id, status) => reporter.tell(id, status),
    (id, ending) => reporter.settle(id, ending),
  );
  try {
    await view.during(signal, async () => {
      const unwatch = view.onChange((name) => reporter.look(name));
      for (const record of view.records()) reporter.begin(record);
      const over = new AbortController();
      const keeping = pool.keep(AbortSignal.any([signal, over.signal]));
      try {
        for (;;) {
          await sweeper.sweep(signal);
          await sleep(clock, SWEEP_MS, signal);
        }
      } finally {
        unwatch();
        sweeper.stop();
        reporter.stop();
        over.abort();
        await keeping;
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    deafen();
  }
}
