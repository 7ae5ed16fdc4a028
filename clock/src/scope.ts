import { whenAborted } from './waiting.ts';

/**
 * A signal that aborts with any of its parents, or by `end`. Unlike `AbortSignal.any` it removes its listeners from its parents at its end: a parent
 * that lives as long as the process does not accumulate a listener for each connection.
 */
export interface Scope {
  readonly signal: AbortSignal;
  end(reason?: unknown): void;
}

export function scope(...parents: AbortSignal[]): Scope {
  const controller = new AbortController();
  const forget: (() => void)[] = [];
  const end = (reason?: unknown) => {
    for (const each of forget.splice(0)) each();
    if (!controller.signal.aborted) controller.abort(reason);
  };
  for (const parent of parents) {
    if (!controller.signal.aborted) forget.push(whenAborted(parent, () => end(parent.reason)));
  }
  return { signal: controller.signal, end };
}
