import { EngineError, answered } from '../engine/error.ts';
import type { Engine } from '../engine/engine.ts';
import { jsonLines } from '../engine/json-lines.ts';
import { registryAuth } from './credentials.ts';
import { imageReference } from './reference.ts';

/** Milliseconds until a registry has begun to answer the engine. */
const BEGIN_MS = 60_000;

export interface PullOptions {
  readonly engine: Engine;
  /** Folder of the configuration that `docker login` writes. */
  readonly credentials: string;
  readonly policy: 'Always' | 'IfNotPresent' | 'Never';
}

interface Progress {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/** Sees to it that the engine has the image; `tell` hears how far it is, 0 to 100. Throws {@link EngineError}: 404 where there is none and none may be pulled. */
export async function ensureImage(
  image: string,
  { engine, credentials, policy }: PullOptions,
  tell: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (policy !== 'Always' && (await hasImage(engine, image, signal))) return;
  if (policy === 'Never')
    throw new EngineError(
      404,
      `image ${image} is not on the engine, and SESSION_IMAGE_PULL_POLICY is Never: docker pull it`,
    );
  await pullImage(image, { engine, credentials }, tell, signal);
}

export async function hasImage(engine: Engine, image: string, signal: AbortSignal): Promise<boolean> {
  try {
    await engine.json(`/images/${image}/json`, {}, signal);
    return true;
  } catch (error) {
    if (answered(error, 404)) return false;
    throw error;
  }
}

async function pullImage(
  image: string,
  { engine, credentials }: Pick<PullOptions, 'engine' | 'credentials'>,
  tell: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { repository, version, registry } = imageReference(image);
  const auth = await registryAuth(registry, credentials, signal);
  const headers: Record<string, string> = auth === undefined ? {} : { 'X-Registry-Auth': auth };
  const query = { fromImage: repository, tag: version };
  const answer = await engine.stream('/images/create', { method: 'POST', query, headers, ms: BEGIN_MS }, signal);
  const layers = new Map<string, { current: number; total: number }>();
  let told = -1;
  for await (const { id, progressDetail, error } of jsonLines<Progress>(answer)) {
    if (error !== undefined) throw new EngineError(500, error);
    if (id === undefined || progressDetail?.total === undefined) continue;
    layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
    const sum = (of: 'current' | 'total') => [...layers.values()].reduce((all, layer) => all + layer[of], 0);
    const percent = Math.floor((100 * sum('current')) / Math.max(1, sum('total')));
    if (percent > told) tell((told = percent));
  }
  signal.throwIfAborted();
}
