import { StreamSpaceError } from '@streamspace/protocol';
import type { Engine } from './engine/engine.ts';
import { answered, isInUse, isNameTaken } from './engine/error.ts';
import { APP, START_LABEL, containerName } from './objects/names.ts';
import type { DockerDriverOptions } from './options.ts';

/** The network that sessions are on where SESSION_NETWORK names none. */
export const DEFAULT_NETWORK = 'streamspace-sessions';
/** Docker: no traffic between containers of the network. Podman takes it for: no traffic between this network and others. */
const NO_TRAFFIC = { 'com.docker.network.bridge.enable_icc': 'false' };

type NetworkOptions = Pick<DockerDriverOptions, 'agentId' | 'engine' | 'sessionNetwork'>;

interface NetworkDetails {
  readonly Name: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/**
 * Makes the network of a start unless it is there, one in which sessions don't see each other; its name. Docker keeps the containers of one network apart;
 * Podman only networks, so there each start has its own. A network that SESSION_NETWORK names is taken as it is.
 */
export async function ensureNetwork(
  options: NetworkOptions,
  { id, instance }: { readonly id: string; readonly instance: number },
  signal: AbortSignal,
): Promise<string> {
  const { engine, agentId } = options;
  if (!(await hasOwnNetworks(options, signal))) return ensureSharedNetwork(options, signal);
  const name = containerName(id, instance);
  const found = await find(engine, name, signal);
  if (found === undefined)
    await make(engine, name, { agent: agentId, session: id, [START_LABEL]: String(instance) }, signal);
  else if (found.Labels?.['app'] !== APP.network || found.Labels['agent'] !== agentId)
    throw new StreamSpaceError(
      'driver_failed',
      `The engine has a network ${name} that StreamSpace did not make, and it is left alone: remove it (podman network rm ${name})`,
    );
  return name;
}

/** Makes the network that all sessions are on unless it is there; its name. Only for engines where sessions have no networks of their own. */
export async function ensureSharedNetwork(
  { engine, sessionNetwork: name }: NetworkOptions,
  signal: AbortSignal,
): Promise<string> {
  // only the default is made: another name is the operator's, and may be mistyped
  if (name !== DEFAULT_NETWORK) await engine.json<NetworkDetails>(`/networks/${name}`, {}, signal);
  else if ((await find(engine, name, signal)) === undefined) await make(engine, name, {}, signal);
  return name;
}

async function find(engine: Engine, name: string, signal: AbortSignal): Promise<NetworkDetails | undefined> {
  try {
    return await engine.json<NetworkDetails>(`/networks/${name}`, {}, signal);
  } catch (error) {
    if (answered(error, 404)) return undefined;
    throw error;
  }
}

async function make(
  engine: Engine,
  name: string,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const body = {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Labels: { app: APP.network, ...labels },
    Options: NO_TRAFFIC,
  };
  try {
    await engine.json('/networks/create', { method: 'POST', body }, signal);
  } catch (error) {
    // another replica was faster
    if (!isNameTaken(error)) throw error;
  }
}

/** Removes networks that only such a start of one session uses, or of all sessions: after its container. Nothing to do on Docker. */
export async function removeNetworks(
  options: NetworkOptions,
  { session }: { readonly session?: string },
  which: (session: string, start: number) => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (!(await hasOwnNetworks(options, signal))) return;
  const { engine, agentId } = options;
  const label = [`agent=${agentId}`, ...(session === undefined ? [] : [`session=${session}`])];
  const found = await engine.json<NetworkDetails[]>('/networks', { query: { filters: { label } } }, signal);
  for (const { Name, Labels } of found) {
    const start = Number(Labels?.[START_LABEL]);
    if (Labels?.['app'] !== APP.network || !which(Labels['session'] ?? '', start)) continue;
    try {
      await engine.json(`/networks/${Name}`, { method: 'DELETE' }, signal);
    } catch (error) {
      // gone; or a container of it is there still or again, and whoever removes that removes both
      if (!answered(error, 404) && !isInUse(error)) throw error;
    }
  }
}

/** Whether each start has a network of its own. */
export const hasOwnNetworks = async (
  { engine, sessionNetwork }: NetworkOptions,
  signal: AbortSignal,
): Promise<boolean> => sessionNetwork === DEFAULT_NETWORK && (await engine.kind(signal)) === 'podman';
