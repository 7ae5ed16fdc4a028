import { setMaxListeners } from 'node:events';
import { sleep } from 'clock-port';
import type { Context } from '../context.ts';
import type { ServiceRecord } from '../objects/record.ts';
import type { Operations } from '../../core/operations.ts';
import type { DeletedTerms } from './deleted-terms.ts';
import { type OnChange, Reporter } from './reporter.ts';
import { Sweeper } from './sweeper.ts';

/** Leftovers are looked for this often, in what the watches show already: it costs no request when there are none. Milliseconds. */
const SWEEP_MS = 10_000;

/** Tells of sessions that change by themselves and sweeps up leftovers, until the signal aborts. */
export async function watchSessions(
  context: Context,
  operations: Operations,
  deleted: DeletedTerms,
  onChange: OnChange,
  finishDelete: (record: ServiceRecord, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { view, clock } = context;
  // as many as there are leftovers and failures at once
  setMaxListeners(0, signal);
  const reporter = new Reporter(context, operations, onChange, signal);
  const sweeper = new Sweeper(context, operations, deleted, finishDelete);
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
      const keeping = context.pool.keep(AbortSignal.any([signal, over.signal]));
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
