import { sleep } from 'clock-port';
import type { Operations } from '../../core/operations.ts';
import type { Running } from '../../core/record-driver.ts';
import { isAway } from '../engine/error.ts';
import type { DockerDriverOptions } from '../options.ts';

/** Milliseconds between two tries to reach an engine that is away. */
const RETRY_MS = 500;

/**
 * Runs one operation on a session, once more whenever the engine was away: each of its steps can be repeated. While it waits, it leaves its slot to
 * others, and where the session is to start, the engine's trouble is its reason.
 */
export async function withEngineInSight<T>(
  { engine, clock }: Pick<DockerDriverOptions, 'engine' | 'clock'>,
  operations: Operations,
  { signal, slot, sessionId, starts, spec }: Running,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isAway(error)) throw error;
      slot?.leave(error.message);
      if (starts && spec !== undefined) operations.tell(sessionId, { spec, state: 'starting', reason: error.message });
    }
    do await sleep(clock, RETRY_MS, signal);
    while (!(await reached(engine, signal)));
    await slot?.regain(signal);
  }
}

async function reached(engine: DockerDriverOptions['engine'], signal: AbortSignal): Promise<boolean> {
  try {
    await engine.version(signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // an answer that refuses is one
    return !isAway(error);
  }
}
