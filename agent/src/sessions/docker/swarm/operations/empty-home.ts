import { sleep } from 'clock-port';
import { failed } from '../../../core/failure.ts';
import type { Live } from '../../../core/record.ts';
import { emptying, sessionTask } from '../objects/service.ts';
import { startOfTemplate, type SwarmRecord } from '../objects/record.ts';
import { endOfTask } from '../state/reason.ts';
import { isAlive, isOver } from '../state/tasks.ts';
import type { SwarmStartParts } from './start.ts';
import { LOOK_MS } from './stop.ts';

/**
 * Removes all files in a home that this engine does not have, by a last task of the deleted session's service: only a node that can mount a home can empty
 * it. Throws `driver_failed` where that fails.
 */
export async function emptyHome(
  parts: SwarmStartParts,
  deleted: Live<SwarmRecord>,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { options, services, records, homes } = parts;
  const home = await homes.ready(deleted.spec, signal);
  const template = emptying(sessionTask(deleted, { home, image: {}, network: undefined }, options), path);
  let record: SwarmRecord | undefined = deleted;
  for (;;) {
    record = await records.read(deleted.id, signal);
    if (record?.desired !== 'deleted' || record.done) return;
    if ((record.service.Spec.Mode.Replicated?.Replicas ?? 0) > 0) {
      const tasks = await services.tasks({ service: [record.service.ID] }, signal);
      const task = tasks.find(({ Spec }) => startOfTemplate(Spec) === 0);
      if (task?.Status.State === 'complete') return;
      if (task !== undefined && isOver(task) && !isAlive(task)) {
        const { reason, code } = await endOfTask(options, services, task, signal);
        throw failed({ reason: `The home could not be emptied: ${reason}`, code });
      }
    } else await records.apply(record, template, undefined, signal);
    await sleep(options.clock, LOOK_MS, signal);
  }
}
