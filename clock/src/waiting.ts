import type { Clock } from './clock.ts';

/** A wait that exceeded its deadline. `what` names the awaited event. */
export class DeadlineError extends Error {
  readonly what: string;
  readonly ms: number;
  constructor(what: string, ms: number) {
    super(`${what}: no answer within ${ms} ms`);
    this.name = 'DeadlineError';
    this.what = what;
    this.ms = ms;
  }
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. Leaves no timer and no listener behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return new Promise((resolve) => clock.setTimeout(resolve, ms));
  return outcomeOf(signal, (resolve) => {
    const timer = clock.setTimeout(resolve, ms);
    return () => timer.cancel();
  });
}

/** Resolves after `ms`, or as soon as the signal aborts: for loops that check their signal themselves. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return sleep(clock, ms, signal).catch(() => undefined);
}

/** Calls back once when the signal aborts, at once if it has aborted already. The result takes the listener away. */
export function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  const onAbort = () => listener();
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

/** Resolves when the signal aborts; at once if it has aborted already. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => whenAborted(signal, resolve));
}

/**
 * A promise made of callbacks. `listen` begins to wait for the two outcomes and returns how to end that, which is called once, before the promise
 * settles. An abort of the signal is an outcome too: it rejects with the signal's reason.
 */
export function outcomeOf<T = void>(
  signal: AbortSignal,
  listen: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let over = false;
    let unlisten: (() => void) | undefined;
    const end = (settle: () => void) => {
      if (over) return;
      over = true;
      forget();
      unlisten?.();
      settle();
    };
    const fail = (error: unknown) => end(() => reject(error as Error));
    const forget = whenAborted(signal, () => fail(signal.reason));
    try {
      unlisten = listen((value) => end(() => resolve(value)), fail);
    } catch (error) {
      fail(error);
    }
    // the outcome may have come while `listen` was running
    if (over) unlisten?.();
  });
}

/** Runs `work` with the signal and settles at the abort even if `work` does not: no caller hangs on work that ignores its signal. */
export async function abortable<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return outcomeOf<T>(signal, (resolve, reject) => {
    work(signal).then(resolve, reject);
    return () => undefined;
  });
}

/**
 * A signal that aborts after `ms` (reason {@link DeadlineError}) or with its parent, whichever is first.
 * Call `clear` when the work is over.
 */
export function deadline(
  clock: Clock,
  ms: number,
  what: string,
  parent?: AbortSignal,
): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  let forget = (): void => undefined;
  const clear = () => {
    timer.cancel();
    forget();
  };
  const end = (reason: unknown) => {
    clear();
    controller.abort(reason);
  };
  const timer = clock.setTimeout(() => end(new DeadlineError(what, ms)), ms);
  if (parent !== undefined) forget = whenAborted(parent, () => end(parent.reason));
  return { signal: controller.signal, clear };
}

/**
 * Runs `work` with a signal that aborts after `ms` or with `parent`. Settles at the abort even if `work` ignores its signal,
 * so no caller hangs on a call that never returns.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  what: string,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = deadline(clock, ms, what, parent);
  try {
    return await abortable(limit.signal, work);
  } finally {
    limit.clear();
  }
}
