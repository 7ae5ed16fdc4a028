import { DISABLED_USERS, type DisabledUser, type DisabledUserStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

export function redisDisabledUsers(connection: RedisConnection): DisabledUserStore {
  const change = async (user: string, about: string): Promise<boolean> =>
    (await connection.runDurably(SCRIPTS.disableUser, [KEYS.disabledUsers], [user, about, DISABLED_USERS])) === 1;
  return {
    put: (disabled) => change(disabled.user, JSON.stringify(disabled)),
    async remove(user) {
      await change(user, '');
    },
    async version() {
      return (await connection.do((client) => client.hget(KEYS.disabledUsers, ''))) ?? '0';
    },
    async list() {
      const { '': version = '0', ...all } = await connection.do((client) => client.hgetall(KEYS.disabledUsers));
      return { version, users: Object.values(all).map((text) => JSON.parse(text) as DisabledUser) };
    },
  };
}
