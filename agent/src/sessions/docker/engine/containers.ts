import { type Clock, sleep } from 'clock-port';
import type { ContainerDetails } from '../objects/engine-objects.ts';
import type { Engine } from './engine.ts';
import { answered } from './error.ts';

/** Of a program's last output: lines, and characters of them. */
const LOG = { tail: 10, limit: 2_048 };
/** Milliseconds that the engine may take beyond a container's own grace period. */
const STOP_MS = 60_000;

/** The container as it is; undefined: there is none of that name. */
export async function inspect(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<ContainerDetails | undefined> {
  try {
    return await engine.json<ContainerDetails>(`/containers/${name}/json`, {}, signal);
  } catch (error) {
    if (answered(error, 404)) return undefined;
    throw error;
  }
}

/** Exit code of a program that was killed, by the kernel for want of memory too. */
export const KILLED = 137;
/** Milliseconds after which an engine that has told of an end has also told whether it was for want of memory. */
const OOM_MS = 500;

/** A container that has ended, once the engine shows all that it knows of the end. */
export async function inspectEnd(
  engine: Engine,
  clock: Clock,
  name: string,
  signal: AbortSignal,
): Promise<ContainerDetails | undefined> {
  const found = await inspect(engine, name, signal);
  if (found?.State.ExitCode !== KILLED || found.State.OOMKilled) return found;
  await sleep(clock, OOM_MS, signal);
  return inspect(engine, name, signal);
}

/** Stops a container, which has `grace` seconds to end by itself, and removes it with what only it has. One that is gone is success. */
export async function removeContainer(engine: Engine, id: string, grace: number, signal: AbortSignal): Promise<void> {
  try {
    if (grace > 0)
      await engine.json(
        `/containers/${id}/stop`,
        { method: 'POST', query: { t: grace }, ms: 1_000 * grace + STOP_MS },
        signal,
      );
    await engine.json(`/containers/${id}`, { method: 'DELETE', query: { force: true, v: true }, ms: STOP_MS }, signal);
  } catch (error) {
    if (answered(error, 404)) return;
    // somebody else is removing it: it is gone when its name is free
    if (answered(error, 409)) return untilGone(engine, id, signal);
    throw error;
  }
}

async function untilGone(engine: Engine, id: string, signal: AbortSignal): Promise<void> {
  try {
    await engine.json(
      `/containers/${id}/wait`,
      { method: 'POST', query: { condition: 'removed' }, ms: STOP_MS },
      signal,
    );
  } catch (error) {
    if (!answered(error, 404)) throw error;
  }
}

/** The last lines of a container's output, for people; empty where they can't be had. */
export const lastLines = (engine: Engine, id: string, signal: AbortSignal): Promise<string> =>
  outputOf(engine, `/containers/${id}`, signal);

/** The same of what has that path: a container, or a task of a swarm. */
export async function outputOf(engine: Engine, path: string, signal: AbortSignal): Promise<string> {
  try {
    const query = { stdout: true, stderr: true, tail: LOG.tail };
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of await engine.stream(`${path}/logs`, { query }, signal)) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size > 64 * LOG.limit) break;
    }
    return unframed(Buffer.concat(parts)).slice(-LOG.limit);
  } catch {
    signal.throwIfAborted();
    return '';
  }
}

/** Output of a container without a terminal comes in frames: stream, three zeros, length. */
function unframed(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    text += bytes.subarray(at + 8, end).toString('utf8');
    at = end;
  }
  return text;
}
