import type { SessionSpec } from '@streamspace/protocol';
import { failed } from '../../core/failure.ts';
import type { SwarmDriverOptions } from './options.ts';
import type { Services } from './services.ts';
import { troubleOf } from './state/tasks.ts';

/** Id of the node on which a new home is made: of those that have room for the session, the one with the most free memory. */
export async function nodeWithRoom(
  { cpu, memory }: Pick<SessionSpec, 'cpu' | 'memory'>,
  { sessionDefaultCpu, sessionDefaultMemory }: Pick<SwarmDriverOptions, 'sessionDefaultCpu' | 'sessionDefaultMemory'>,
  services: Services,
  signal: AbortSignal,
): Promise<string> {
  const [nodes, tasks] = await Promise.all([
    services.nodes(signal),
    services.tasks({ 'desired-state': ['running'] }, signal),
  ]);
  const usable = nodes.filter((node) => troubleOf(node) === undefined);
  const free = usable.map(({ ID, Description: { Resources } }) => {
    const reserved = tasks.filter(({ NodeID }) => NodeID === ID).map(({ Spec }) => Spec.Resources?.Reservations);
    const left = (what: 'NanoCPUs' | 'MemoryBytes') =>
      reserved.reduce((rest, each) => rest - (each?.[what] ?? 0), Resources[what] ?? 0);
    return { ID, cpu: left('NanoCPUs') / 1e9, memory: left('MemoryBytes') };
  });
  const wanted = { cpu: cpu > 0 ? cpu : sessionDefaultCpu, memory: memory > 0 ? memory : sessionDefaultMemory };
  const [best] = free
    .filter((node) => node.cpu >= wanted.cpu && node.memory >= wanted.memory)
    .toSorted((a, b) => b.memory - a.memory);
  if (best !== undefined) return best.ID;
  const reason = `None of the swarm’s ${usable.length} usable nodes has ${wanted.cpu} CPU and ${Math.round(wanted.memory / 2 ** 20)} MiB free`;
  throw failed({ reason, code: 'capacity' });
}
