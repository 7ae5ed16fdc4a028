import type { Engine } from '../engine/engine.ts';
import { jsonLines } from '../engine/json-lines.ts';
import { hasImage } from './pull.ts';

/** An image of nothing: containers of it hold records, and never run. */
export const RECORD_IMAGE = 'streamspace/record:1';
/** The end of an archive: an empty one. */
const EMPTY_TAR = Buffer.alloc(1_024);

/** Makes the image where the engine lacks it. Made twice at once, the later one has the name: both are the same. */
export async function ensureRecordImage(engine: Engine, signal: AbortSignal): Promise<void> {
  if (await hasImage(engine, RECORD_IMAGE, signal)) return;
  // the tag within the name: Podman 4.3 does not heed `tag` here
  const query = { fromSrc: '-', repo: RECORD_IMAGE };
  const answer = await engine.stream('/images/create', { method: 'POST', query, body: EMPTY_TAR }, signal);
  for await (const { error } of jsonLines<{ error?: string }>(answer)) if (error !== undefined) throw new Error(error);
}
