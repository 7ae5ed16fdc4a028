import { VirtualClock } from '@streamspace/testkit';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import { describe } from 'vitest';
import { storeContract } from './store.ts';
import { quotaContract } from './store/quotas.ts';

const makeStore = async () => {
  const clock = new VirtualClock();
  return { store: memoryStore(clock), pass: (ms: number) => clock.advance(ms) };
};
storeContract('memory', makeStore);
describe('store contract: memory', () => quotaContract(makeStore));
