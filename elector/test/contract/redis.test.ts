import { systemClock } from 'clock-port';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisLock } from '../../src/redis/index.ts';
import { redisProgram, RedisServer } from '../support/redis-server.ts';
import { eventually, lockContract } from './lock.ts';

const program = await redisProgram();

if ('missing' in program) {
  describe.skip(`redis lock: not run, ${program.missing}`, () => {
    it('needs a server', () => undefined);
  });
} else {
  describe('with a real server', () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start(program);
    });
    afterAll(() => server?.stop());

    let count = 0;
    const open = (name: string) => new RedisLock({ redis: server.url, clock: systemClock, name });

    lockContract('redis', async () => {
      const name = `lease-${++count}`;
      const locks: RedisLock[] = [];
      return {
        open: async () => {
          const lock = open(name);
          locks.push(lock);
          return lock;
        },
        delete: async () => {
          const operator = new Redis(server.url);
          await operator.del(`{lease:${name}}`);
          operator.disconnect();
        },
        close: async () => {
          for (const lock of locks) lock.close();
        },
      };
    });

    it('comes back by itself after the server was killed, and says so in between', async () => {
      const lock = open('outlives');
      const { signal } = new AbortController();
      const at = '2030-01-01T00:00:00.000Z';
      const record = { holder: 'a', term: 3, durationMs: 1000, acquiredAt: at, renewedAt: at, transitions: 0 };
      await lock.create(record, signal);
      const watching = lock.watch(() => undefined, signal);
      watching.catch(() => undefined);
      await server.kill();
      await expect(watching).rejects.toThrow();
      await expect(lock.read(AbortSignal.timeout(500))).rejects.toThrow();
      await server.resume();
      await eventually(async () => expect((await lock.read(AbortSignal.timeout(2000)))?.record).toEqual(record));
      lock.close();
    });
  });
}
