import { systemClock } from 'clock-port';
import { MemoryLease } from '../../src/memory/index.ts';
import { lockContract } from './lock.ts';

lockContract('memory', async () => {
  const lease = new MemoryLease('test', systemClock);
  return {
    open: async () => lease.lock(),
    delete: async () => lease.delete(),
    close: async () => undefined,
  };
});
