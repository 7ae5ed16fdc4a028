import { failed } from '../../core/failure.ts';
import { answered } from '../engine/error.ts';
import { DEFAULT_NETWORK } from '../network.ts';
import { APP } from '../objects/names.ts';
import type { SwarmDriverOptions } from './options.ts';

interface NetworkDetails {
  readonly Id: string;
}

/** The id of the network that sessions are on, which all nodes of the swarm have. Makes the default one, an overlay that other containers may join. */
export async function ensureOverlay(
  { engine, sessionNetwork: name }: Pick<SwarmDriverOptions, 'engine' | 'sessionNetwork'>,
  signal: AbortSignal,
): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    try {
      const query = { scope: 'swarm' };
      return (await engine.json<NetworkDetails>(`/networks/${name}`, { query }, signal)).Id;
    } catch (error) {
      if (answered(error, 404)) return undefined;
      throw error;
    }
  };
  const found = await find();
  if (found !== undefined) return found;
  // only the default is made: another name is the operator's, and may be mistyped
  if (name === DEFAULT_NETWORK) {
    const body = {
      Name: name,
      CheckDuplicate: true,
      Driver: 'overlay',
      Attachable: true,
      Labels: { app: APP.network },
    };
    try {
      return (await engine.json<NetworkDetails>('/networks/create', { method: 'POST', body }, signal)).Id;
    } catch (error) {
      if (!answered(error, 409)) throw error;
      // another replica was faster; or the name is that of a network of this engine alone
      const made = await find();
      if (made !== undefined) return made;
    }
  }
  throw failed({
    reason: `The swarm has no network ${name}: SESSION_NETWORK names one of all its nodes (docker network create -d overlay --attachable …), not of one engine alone`,
    code: 'network',
  });
}
