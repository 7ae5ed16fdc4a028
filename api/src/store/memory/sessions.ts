import type { CommandRecord, SessionStore } from '../store.ts';
import { KEPT, type MemoryState } from './state.ts';

export function memorySessions(state: MemoryState): SessionStore {
  const keys = new Map<string, { session: string; command: CommandRecord }>();

  const remember = (key: string, session: string, command: CommandRecord): void => {
    keys.set(key, { session, command });
    for (const oldest of keys.keys()) {
      if (keys.size <= KEPT.idempotencyKeys) return;
      keys.delete(oldest);
    }
  };

  return {
    async create(session, command, reservation, idempotencyKey) {
      const key = idempotencyKey === undefined ? undefined : JSON.stringify([session.user, idempotencyKey]);
      const seen = key === undefined ? undefined : keys.get(key);
      const earlier = seen && state.sessions.get(seen.session);
      if (seen && earlier)
        return { created: false, session: earlier, command: state.commands.get(seen.command.id) ?? seen.command };
      if (!state.fits(session, reservation)) return 'at_capacity';
      state.putSession({ ...session });
      state.putCommand({ ...command });
      if (key !== undefined) remember(key, session.id, { ...command });
      return { created: true, session, command };
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
