import { readFileSync } from 'node:fs';
import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, pause } from 'clock-port';
import { memoryStore } from './memory/memory-store.ts';
import { readRedisAddress, withoutPassword } from '@streamspace/settings';
import { redisStore } from './redis/redis-store.ts';
import type { Store } from './store.ts';

export interface StoreSettings {
  /** STORE_URL, as the configuration has checked it. */
  readonly url: string;
  /** File with the CAs (PEM) of the store's certificates. */
  readonly caFile?: string | undefined;
  readonly waitReplicas?: number;
  readonly waitMs?: number;
  /** A failure of a connection, which the store repairs by itself. */
  readonly onError?: (error: Error) => void;
}

/** The store of a STORE_URL. */
export function openStore({ url, caFile, ...settings }: StoreSettings, clock: Clock): Store {
  if (url === 'memory:') return memoryStore(clock);
  const address = readRedisAddress(url);
  if (address === undefined) throw new Error(`STORE_URL=${withoutPassword(url)}: no such store`);
  return redisStore({ address, ca: caFile === undefined ? undefined : readCas(caFile), ...settings }, clock);
}

function readCas(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`STORE_CA_FILE=${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Milliseconds between two attempts. */
const AGAIN_MS = 500;

/** Repeats a step on the store until the store is available; rejects with the last error when the signal aborts. */
export async function patiently<T>(clock: Clock, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StreamSpaceError) || error.code !== 'store_unavailable' || signal.aborted) throw error;
      await pause(clock, AGAIN_MS, signal);
    }
  }
}
