import type { Session } from '@streamspace/protocol';
import { LRUCache } from 'lru-cache';
import type { CommandRecord, SessionStore } from '../store.ts';
import { KEPT, type MemoryState } from './state.ts';

export function memorySessions(state: MemoryState): SessionStore {
  const keys = new LRUCache<string, { session: string; command: CommandRecord }>({ max: KEPT.idempotencyKeys });

  const keyOf = (user: string, idempotencyKey: string): string => JSON.stringify([user, idempotencyKey]);

  const earlier = (key: string): { session: Session; command: CommandRecord } | undefined => {
    const seen = keys.get(key);
    const session = seen && state.sessions.get(seen.session);
    return (
      session && { session: { ...session }, command: { ...(state.commands.get(seen!.command.id) ?? seen!.command) } }
    );
  };

  return {
    async create(session, command, reservation, idempotencyKey, quota) {
      const key = idempotencyKey === undefined ? undefined : keyOf(session.user, idempotencyKey);
      const before = key === undefined ? undefined : earlier(key);
      if (before) return { created: false, ...before };
      state.withinQuota(quota);
      if (state.agents.get(session.agent)?.draining || !state.fits(session, reservation)) return 'at_capacity';
      state.putSession({ ...session });
      state.putCommand({ ...command });
      if (key !== undefined) keys.set(key, { session: session.id, command: { ...command } });
      return { created: true, session: { ...session }, command: { ...command } };
    },

    async created(user, idempotencyKey) {
      return earlier(keyOf(user, idempotencyKey));
    },

    async update(id, patch, expected) {
      const session = state.sessions.get(id);
      if (session === undefined || (expected !== undefined && session.updated_at !== expected)) return undefined;
      return { ...state.putSession({ ...session, ...patch, id }) };
    },

    async adopt(session) {
      return { ...(state.sessions.get(session.id) ?? state.putSession({ ...session })) };
    },

    async remove(id) {
      state.removeSession(id);
    },

    async get(id) {
      const session = state.sessions.get(id);
      return session && { ...session };
    },

    async list(filter) {
      return state.sessionsOf(filter).map((session) => ({ ...session }));
    },
  };
}
