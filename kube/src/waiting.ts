import { AsyncLocalStorage } from 'node:async_hooks';

/** Hears when a piece of work waits for the API server. */
export interface WaitListener {
  /** The work waits, for this reason; may be called again with another reason. */
  waits(reason: string): void;
  /** The server has answered. Resolves when the work may continue; rejects when the signal aborts before. */
  goesOn(signal: AbortSignal): Promise<void>;
}

const listeners = new AsyncLocalStorage<WaitListener>();

/** Runs `work`; the listener hears when one of its calls waits. */
export const waitingFor = <T>(listener: WaitListener, work: () => Promise<T>): Promise<T> =>
  listeners.run(listener, work);

/** Runs work that serves several others, although one of them began it: no listener hears of its waits. */
export const forNobody = <T>(work: () => Promise<T>): Promise<T> => listeners.exit(work);

export const waitListener = (): WaitListener | undefined => listeners.getStore();
