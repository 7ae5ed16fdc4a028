import type { Engine } from './engine/engine.ts';
import { answered } from './engine/error.ts';
import { APP } from './objects/names.ts';

/** The network that sessions are on where SESSION_NETWORK names none. */
export const DEFAULT_NETWORK = 'streamspace-sessions';

/** Makes the network unless it is there: one in which containers don't see each other. One that an operator made is taken as it is. */
export async function ensureNetwork(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  try {
    await engine.json(`/networks/${name}`, {}, signal);
    return;
  } catch (error) {
    // only the agent's own is made: another name is the operator's, and may be mistyped
    if (!answered(error, 404) || name !== DEFAULT_NETWORK) throw error;
  }
  const body = {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Labels: { app: APP.network },
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  };
  try {
    await engine.json('/networks/create', { method: 'POST', body }, signal);
  } catch (error) {
    // another replica was faster
    if (!answered(error, 409)) throw error;
  }
}
