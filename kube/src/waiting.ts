import { AsyncLocalStorage } from 'node:async_hooks';

/** Told while a piece of work waits for the API server. */
export interface WaitListener {
  /** It waits, and for what, in words; may come again with other words. */
  waits(reason: string): void;
  /** It is answered. Resolves when the work may go on; rejects when the signal aborts before. */
  goesOn(signal: AbortSignal): Promise<void>;
}

const listeners = new AsyncLocalStorage<WaitListener>();

/** Runs `work`, of which the listener hears when a call of it waits. */
export const waitingFor = <T>(listener: WaitListener, work: () => Promise<T>): Promise<T> =>
  listeners.run(listener, work);

/** Runs what is begun by one piece of work and serves all: nobody's waiting. */
export const forNobody = <T>(work: () => Promise<T>): Promise<T> => listeners.exit(work);

export const waitListener = (): WaitListener | undefined => listeners.getStore();
