import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Soak } from '../soak/run.ts';
import { ABOUT_SERVER, SERVER } from '../support/redis-server.ts';

describe.skipIf(SERVER === undefined)(`many screens through three replicas${ABOUT_SERVER}`, () => {
  let soak: Soak;
  beforeAll(async () => {
    soak = await Soak.start();
  });
  afterAll(() => soak?.stop());

  it('[I6] 1,000 viewers come through any replica, and each sees its screen', async () => {
    expect(await soak.connects(1_000)).toEqual({ connects: 1_000, failed: [] });
  }, 240_000);

  it('[STR3] [I5] 256 MiB through 100 tunnels, with viewers and screens that stall: every hash is equal (`npm run soak` pours 10 GiB)', async () => {
    const { wrong, bytes } = await soak.pour(256 * 2 ** 20, 100);
    expect(wrong).toEqual([]);
    expect(bytes).toBeGreaterThan(255 * 2 ** 20);
  }, 240_000);
});
