import type { Clock } from 'clock-port';
import { memoryStore } from './memory/memory-store.ts';
import type { Store } from './store.ts';

/** The store of a STORE_URL, as the configuration has checked it. */
export function openStore(url: string, clock: Clock): Store {
  if (url === 'memory:') return memoryStore(clock);
  throw new Error(`STORE_URL=${url}: no such store; it takes memory:`);
}
