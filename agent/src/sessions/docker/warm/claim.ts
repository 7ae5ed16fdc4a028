import type { Engine } from '../engine/engine.ts';
import { answered, isNameTaken } from '../engine/error.ts';
import { removeContainer } from '../engine/containers.ts';
import { ensureRecordImage, RECORD_IMAGE } from '../images/record-image.ts';
import { APP, CLAIMED_LABEL, claimName, containerName } from '../objects/names.ts';

export interface Claimer {
  readonly agentId: string;
  readonly engine: Engine;
}

/**
 * Claims a warm container, for a session or to remove it: whether this caller did. A claim is a container that never runs, named by the claimed one's id,
 * so the engine makes it for one of any number of callers. It goes only after the claimed container is gone: nobody ever claims that again.
 */
export async function claim({ agentId, engine }: Claimer, containerId: string, signal: AbortSignal): Promise<boolean> {
  const body = {
    Image: RECORD_IMAGE,
    Cmd: ['never-runs'],
    Labels: { app: APP.claim, agent: agentId, [CLAIMED_LABEL]: containerId },
    NetworkDisabled: true,
    HostConfig: { NetworkMode: 'none' },
  };
  for (let tries = 0; ; tries++) {
    try {
      await engine.json(
        '/containers/create',
        { method: 'POST', query: { name: claimName(containerId) }, body },
        signal,
      );
      return true;
    } catch (error) {
      if (isNameTaken(error)) return false;
      if (!answered(error, 404) || tries > 0) throw error;
      await ensureRecordImage(engine, signal);
    }
  }
}

/**
 * Makes a claimed container the session's start of that number, by its name; false: somebody else made that start, or the container is gone. Only
 * its claimer calls this.
 */
export async function give(
  { engine }: Claimer,
  containerId: string,
  { session, start }: { readonly session: string; readonly start: number },
  signal: AbortSignal,
): Promise<boolean> {
  const query = { name: containerName(session, start) };
  try {
    await engine.json(`/containers/${containerId}/rename`, { method: 'POST', query }, signal);
    return true;
  } catch (error) {
    if (isNameTaken(error) || answered(error, 404)) return false;
    throw error;
  }
}

/** Removes a claimed container, then its claim. */
export async function discard({ engine }: Claimer, containerId: string, signal: AbortSignal): Promise<void> {
  await removeContainer(engine, containerId, 0, signal);
  await removeContainer(engine, claimName(containerId), 0, signal);
}
