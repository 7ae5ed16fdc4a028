import { VirtualClock } from '@streamspace/testkit';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import { storeContract } from './store.ts';

storeContract('memory', async () => {
  const clock = new VirtualClock();
  return { store: memoryStore(clock), pass: (ms) => clock.advance(ms) };
});
