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
  const end = (reason?: unknown) => {
    for (const [parent, listener] of listeners) parent.removeEventListener('abort', listener);
    if (!controller.signal.aborted) controller.abort(reason);
  };
  const listeners = parents.map((parent) => [parent, () => end(parent.reason)] as const);
  for (const [parent, listener] of listeners) {
    if (parent.aborted) end(parent.reason);
    else if (!controller.signal.aborted) parent.addEventListener('abort', listener, { once: true });
  }
  return { signal: controller.signal, end };
}
