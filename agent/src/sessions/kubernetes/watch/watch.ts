import { setMaxListeners } from 'node:events';
import { sleep } from 'clock-port';
import type { WarmPool } from '../warm/pool.ts';
import { type OnChange, Reporter, type ReporterParts } from './reporter.ts';
import { Sweeper, type SweeperParts } from './sweeper.ts';

/** Leftovers are looked for this often, in what the watches show already: it costs no request when there are none. Milliseconds. */
const SWEEP_MS = 10_000;

export interface WatchParts extends ReporterParts, SweeperParts {
  readonly pool: WarmPool;
}

/** Tells of sessions that change by themselves, sweeps up leftovers and keeps the warm pool, until the signal aborts. */
export async function watchSessions(parts: WatchParts, onChange: OnChange, signal: AbortSignal): Promise<void> {
  const { view, clock, operations, pool } = parts;
  // as many as there are leftovers and failures at once
  setMaxListeners(0, signal);
  const reporter = new Reporter(parts, onChange, signal);
  const sweeper = new Sweeper(parts);
  // what operations wait for is told though the cluster is not in sight
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
