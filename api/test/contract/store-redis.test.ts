import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from 'clock-port';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { RedisProcess, SERVER, ABOUT_SERVER } from '../support/redis-programs.ts';
import { storeContract } from './store.ts';
import { quotaContract } from './store/quotas.ts';

describe.skipIf(SERVER === undefined)(`with a real server${ABOUT_SERVER}`, () => {
  let server: RedisProcess;
  let operator: Redis;
  beforeAll(async () => {
    server = await RedisProcess.start();
    operator = server.client();
  });
  afterAll(async () => {
    operator?.disconnect();
    await server?.stop();
  });

  const makeStore = async () => {
    await operator.flushall();
    return { store: openStore({ url: server.url }, systemClock), pass: (ms: number) => sleep(ms) };
  };
  storeContract('redis', makeStore);
  describe('store contract: redis', () => quotaContract(makeStore));
});
