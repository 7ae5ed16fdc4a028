import type { Session } from '@streamspace/protocol';
import type { SessionStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { creation } from './creation.ts';
import { fields, record, records } from './hashes.ts';
import { RETENTION, KEYS } from './keys.ts';
import type { Locator } from './locator.ts';
import { SCRIPTS } from './scripts.ts';

export function redisSessions(connection: RedisConnection, locator: Locator): SessionStore {
  const at = async (agent: string, id: string): Promise<Session | undefined> => {
    return record<Session>(await connection.run(SCRIPTS.get, [KEYS.session(agent, id)], []));
  };

  const ofAgent = async (agent: string): Promise<Session[]> =>
    records<Session>(await connection.run(SCRIPTS.sessions, [KEYS.sessions(agent)], [KEYS.session(agent, '')]));

  const ofUser = async (user: string): Promise<Session[]> => {
    const entries = await locator.sessionsOf(user);
    const found = await Promise.all(entries.map(({ agent, id }) => at(agent, id)));
    const lost = entries.filter((_, index) => found[index] === undefined).map(({ entry }) => entry);
    await locator.prune(user, lost);
    return found.filter((session) => session !== undefined && session.user === user) as Session[];
  };

  return {
    ...creation(connection, locator),

    async update(id, patch, expected) {
      const agent = await locator.session(id);
      if (agent === undefined) return undefined;
      const { id: _id, agent: _agent, ...change } = patch;
      const args = [expected === undefined ? '' : JSON.stringify(expected), fields(change), RETENTION.goneSessionsMs];
      return record<Session>(await connection.run(SCRIPTS.update, [KEYS.agent(agent), KEYS.session(agent, id)], args));
    },

    async adopt(session) {
      const { id, agent, user } = session;
      const holder = await locator.addSession(id, agent, user);
      const known = holder === agent ? undefined : await at(holder, id);
      if (known !== undefined) return known;
      if (holder !== agent) await locator.moveSession(id, agent);
      const keys = [KEYS.agent(agent), KEYS.sessions(agent), KEYS.session(agent, id)];
      return record<Session>(
        await connection.run(SCRIPTS.adopt, keys, [id, fields(session), RETENTION.goneSessionsMs]),
      )!;
    },

    async remove(id) {
      const agent = await locator.session(id);
      if (agent === undefined) return;
      const session = await at(agent, id);
      const keys = [KEYS.agent(agent), KEYS.sessions(agent), KEYS.session(agent, id), KEYS.unwanted(agent, id)];
      await connection.run(SCRIPTS.remove, keys, [id, RETENTION.creatingMs]);
      if (session !== undefined) await locator.forgetSession(id, agent, session.user);
    },

    async get(id) {
      const agent = await locator.session(id);
      return agent === undefined ? undefined : at(agent, id);
    },

    async list({ user, agent }) {
      if (agent !== undefined) {
        const sessions = await ofAgent(agent);
        return user === undefined ? sessions : sessions.filter((session) => session.user === user);
      }
      if (user !== undefined) return ofUser(user);
      return (await Promise.all((await locator.agents()).map(ofAgent))).flat();
    },
  };
}
