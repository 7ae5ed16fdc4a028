import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { SERVER, ABOUT_SERVER } from '../support/redis-programs.ts';
import { storeContract } from './store.ts';

describe.skipIf(SERVER === undefined)(`with a real Cluster of three primaries${ABOUT_SERVER}`, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => cluster?.stop());

  storeContract('redis cluster', async () => {
    await cluster.empty();
    return { store: openStore({ url: cluster.url }, systemClock), pass: (ms) => sleep(ms) };
  });
});
