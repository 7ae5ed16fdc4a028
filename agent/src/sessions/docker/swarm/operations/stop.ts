import { sleep } from 'clock-port';
import type { TaskObject } from '../objects/swarm-objects.ts';
import type { SwarmDriverOptions } from '../options.ts';
import type { Services } from '../services.ts';
import { isAlive, isLost } from '../state/tasks.ts';

/** Milliseconds between two looks at a service's tasks. */
export const LOOK_MS = 100;

export interface SwarmParts {
  readonly options: SwarmDriverOptions;
  readonly services: Services;
}

/** Those of the tasks that run, or may still run; what a lost node may still run is not known to anybody. */
export async function living(
  { services }: Pick<SwarmParts, 'services'>,
  tasks: readonly TaskObject[],
  signal: AbortSignal,
): Promise<TaskObject[]> {
  const alive = tasks.filter(isAlive);
  if (alive.length === 0) return alive;
  const nodes = await services.nodes(signal);
  return alive.filter((task) => !isLost(task, nodes));
}

/** Resolves when nothing of a service runs any more, which must be scaled to nothing. */
export async function untilEnded(parts: SwarmParts, service: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const tasks = await parts.services.tasks({ service: [service] }, signal);
    if ((await living(parts, tasks, signal)).length === 0) return;
    await sleep(parts.options.clock, LOOK_MS, signal);
  }
}
