import { parseIso, type Clock } from 'clock-port';
import { type CredentialStore, CREDENTIALS } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { RETENTION, KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

export function redisCredentials(connection: RedisConnection, clock: Clock): CredentialStore {
  const set = async (agentId: string, hash: string, onlyNew: boolean, replica = ''): Promise<boolean> => {
    const args = [hash, onlyNew ? 1 : 0, replica, CREDENTIALS - 1];
    return (await connection.runDurably(SCRIPTS.setCredential, [KEYS.credential(agentId)], args)) === 1;
  };

  return {
    async putEnrolment(hash, { agentId, expiresAt, uses }) {
      const key = KEYS.enrolment(hash);
      const expires = parseIso(expiresAt);
      // the caller's time decides whether the token has expired; this expiry only cleans up
      const keptMs = Math.max(0, expires - clock.now()) + RETENTION.enrolmentBeyondMs;
      await connection.do((client) =>
        client
          .multi()
          .hset(key, { agent: JSON.stringify(agentId), expires, uses })
          .pexpire(key, Math.ceil(keptMs))
          .exec(),
      );
    },

    async hasEnrolment(hash, at) {
      const expires = await connection.do((client) => client.hget(KEYS.enrolment(hash), 'expires'));
      return expires !== null && Number(expires) > parseIso(at);
    },

    async takeEnrolment(hash, agentId, at) {
      const had = await connection.do((client) => client.exists(KEYS.credential(agentId)));
      // if a credential is stored between the two steps, `setNew` refuses
      const taken = await connection.runDurably(
        SCRIPTS.takeEnrolment,
        [KEYS.enrolment(hash)],
        [JSON.stringify(agentId), parseIso(at), had],
      );
      return taken === null ? undefined : { any: taken === 'any' };
    },

    async get(agentId) {
      const names = ['current', 'next', 'rotation', 'others'] as const;
      const [current, next, rotation, others] = await connection.do((client) =>
        client.hmget(KEYS.credential(agentId), ...names),
      );
      if (!current) return undefined;
      const their = JSON.parse(others ?? '[]') as { hash: string }[];
      return {
        current,
        ...(next && rotation && { next: { hash: next, rotationId: rotation } }),
        others: their.map(({ hash }) => hash),
      };
    },

    async set(agentId, hash, replica) {
      await set(agentId, hash, false, replica);
    },

    setNew: (agentId, hash) => set(agentId, hash, true),

    async used(agentId, hash) {
      await connection.runDurably(SCRIPTS.useCredential, [KEYS.credential(agentId)], [hash]);
    },

    async beginRotation(agentId, { hash, rotationId }) {
      await connection.runDurably(SCRIPTS.beginRotation, [KEYS.credential(agentId)], [hash, rotationId]);
    },

    async finishRotation(agentId, rotationId) {
      const hash = await connection.runDurably(SCRIPTS.finishRotation, [KEYS.credential(agentId)], [rotationId]);
      return typeof hash === 'string' ? hash : undefined;
    },

    async revoke(agentId) {
      await connection.runDurably(SCRIPTS.revoke, [KEYS.credential(agentId)], []);
    },
  };
}
