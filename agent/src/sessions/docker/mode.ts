import { type Clock, sleep } from 'clock-port';
import type { DriverLog } from '../core/driver-log.ts';
import type { Engine } from './engine/engine.ts';
import { isAway } from './engine/error.ts';
import type { ContainerSummary } from './objects/engine-objects.ts';
import { APP } from './objects/names.ts';
import { EngineSettingError } from './setting-error.ts';
import type { SwarmInfo } from './swarm/objects/swarm-objects.ts';

/** What runs sessions: the engine alone, or the swarm that it manages. */
export type DockerMode = 'auto' | 'engine' | 'swarm';

/** Milliseconds until an engine that is away is asked again. */
const RETRY_MS = 1_000;

export interface ModeParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: DriverLog;
}

/**
 * Whether sessions are services of a swarm. `auto` says so for a swarm's manager, unless the agent has containers there as on one engine, made before the
 * swarm was. Waits for an engine that is away: its answer decides. Throws {@link EngineSettingError} for a mode that the engine does not have.
 */
export async function wantsSwarm(
  { dockerMode, agentId }: { readonly dockerMode: DockerMode; readonly agentId: string },
  parts: ModeParts,
): Promise<boolean> {
  if (dockerMode === 'engine') return false;
  const { engine, log } = parts;
  const { Swarm } = await answer<SwarmInfo>(parts, '/info');
  const manages = Swarm?.ControlAvailable === true;
  if (dockerMode === 'swarm') {
    if (manages) return true;
    const what =
      Swarm?.LocalNodeState === 'active'
        ? 'is a worker of its swarm: set DOCKER_HOST to the engine of a manager'
        : 'is in no swarm: make one (docker swarm init), or set DOCKER_MODE to engine';
    throw new EngineSettingError('DOCKER_MODE', `swarm, and the engine ${what}`);
  }
  if (!manages) return false;
  const filters = { label: [`app=${APP.record}`, `agent=${agentId}`] };
  const query = { all: true, limit: 1, filters };
  const before = await engine.json<ContainerSummary[]>('/containers/json', { query }, AbortSignal.timeout(30_000));
  if (before.length === 0) return true;
  log.warn(
    {},
    'The engine manages a swarm, and this agent has sessions on the engine alone, so it goes on there: delete those sessions, or give the swarm an agent with another AGENT_ID and DOCKER_MODE=swarm',
  );
  return false;
}

async function answer<T>({ engine, clock }: ModeParts, path: string): Promise<T> {
  const never = new AbortController().signal;
  for (;;) {
    try {
      return await engine.json<T>(path, {}, never);
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    await sleep(clock, RETRY_MS, never);
  }
}
