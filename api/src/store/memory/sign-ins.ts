import type { Clock } from 'clock-port';
import { outdated } from '../outdated-sign-ins.ts';
import type { PendingSignIn, SignInRecord, SignInStore } from '../store.ts';
import { KEPT } from './state.ts';

export function memorySignIns(clock: Clock): SignInStore {
  const pending = new Map<string, { pending: PendingSignIn; until: number }>();
  const byOwner = new Map<string, Map<string, SignInRecord>>();
  const refreshing = new Map<string, number>();
  const list = (owner: string) => [...(byOwner.get(owner) ?? [])].map(([hash, record]) => ({ hash, record }));

  return {
    async begin(state, given, ttlMs) {
      const now = clock.monotonic();
      for (const [oldest, { until }] of pending) {
        if (until > now && pending.size < KEPT.pendingSignIns) break;
        pending.delete(oldest);
      }
      pending.set(state, { pending: { ...given }, until: now + ttlMs });
    },

    async take(state) {
      const found = pending.get(state);
      pending.delete(state);
      return found !== undefined && clock.monotonic() < found.until ? found.pending : undefined;
    },

    async put({ owner, hash }, record) {
      const own = byOwner.get(owner) ?? new Map<string, SignInRecord>();
      for (const dropped of outdated(list(owner), record.createdAt)) own.delete(dropped);
      own.set(hash, { ...record });
      byOwner.delete(owner);
      byOwner.set(owner, own);
      for (const oldest of byOwner.keys()) {
        if (byOwner.size <= KEPT.signedInUsers) break;
        byOwner.delete(oldest);
      }
    },

    get: async ({ owner, hash }) => byOwner.get(owner)?.get(hash),

    async replace({ owner, hash }, expected, next) {
      const own = byOwner.get(owner);
      if (own === undefined || JSON.stringify(own.get(hash)) !== JSON.stringify(expected)) return false;
      own.set(hash, { ...next });
      return true;
    },

    list: async (owner) => list(owner),

    async remove(owner, hashes) {
      const own = byOwner.get(owner);
      for (const hash of hashes ?? [...(own?.keys() ?? [])]) own?.delete(hash);
      if (own?.size === 0) byOwner.delete(owner);
    },

    async claimRefresh({ hash }, ttlMs) {
      const now = clock.monotonic();
      for (const [each, until] of refreshing) if (until <= now) refreshing.delete(each);
      if (refreshing.has(hash)) return false;
      refreshing.set(hash, now + ttlMs);
      return true;
    },
  };
}
