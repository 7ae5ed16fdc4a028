import { outdated } from '../outdated-sign-ins.ts';
import type { PendingSignIn, SignInRecord, SignInStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { KEYS, RETENTION } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

/** All sign-ins of a user are fields of one hash: one key, so that each step is atomic on a Cluster too. */
export function redisSignIns(connection: RedisConnection): SignInStore {
  const list = async (owner: string) => {
    const all = await connection.do((client) => client.hgetall(KEYS.signIns(owner)));
    return Object.entries(all).map(([hash, text]) => ({ hash, record: JSON.parse(text) as SignInRecord }));
  };
  return {
    async begin(state, pending, ttlMs) {
      const key = KEYS.pendingSignIn(state);
      await connection.do((client) => client.set(key, JSON.stringify(pending), 'PX', Math.ceil(ttlMs)));
    },

    async take(state) {
      const text = await connection.do((client) => client.getdel(KEYS.pendingSignIn(state)));
      return text === null ? undefined : (JSON.parse(text) as PendingSignIn);
    },

    async put({ owner, hash }, record) {
      const key = KEYS.signIns(owner);
      const dropped = outdated(await list(owner), record.createdAt);
      await connection.do((client) => {
        const steps = client.multi().hset(key, hash, JSON.stringify(record)).pexpire(key, RETENTION.signInsMs);
        return (dropped.length === 0 ? steps : steps.hdel(key, ...dropped)).exec();
      });
    },

    async get({ owner, hash }) {
      const text = await connection.do((client) => client.hget(KEYS.signIns(owner), hash));
      return text === null ? undefined : (JSON.parse(text) as SignInRecord);
    },

    async replace({ owner, hash }, expected, next) {
      const args = [hash, JSON.stringify(expected), JSON.stringify(next)];
      return (await connection.run(SCRIPTS.replaceSignIn, [KEYS.signIns(owner)], args)) === 1;
    },

    list,

    async remove(owner, hashes) {
      if (hashes?.length === 0) return;
      await connection.runDurably(SCRIPTS.removeSignIns, [KEYS.signIns(owner)], hashes ?? []);
    },

    async claimRefresh({ hash }, ttlMs) {
      return (await connection.do((client) => client.set(KEYS.refresh(hash), '1', 'PX', ttlMs, 'NX'))) === 'OK';
    },
  };
}
