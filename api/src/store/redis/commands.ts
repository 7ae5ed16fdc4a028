import type { CommandRecord, CommandStore } from '../store.ts';
import type { Connection } from './connection.ts';
import { fields, record, records } from './hashes.ts';
import { KEPT, KEYS } from './keys.ts';
import type { Locator } from './locator.ts';
import { SCRIPTS } from './scripts.ts';

export function redisCommands(connection: Connection, locator: Locator): CommandStore {
  return {
    async append(command, change) {
      const { id, agent } = command;
      await locator.addCommand(id, agent);
      const its = KEYS.command(agent, id);
      const keys = [KEYS.agent(agent), KEYS.queue(agent), its, change ? KEYS.session(agent, change.id) : its];
      const { from, reservation } = change ?? {};
      const args = [
        id,
        fields(command),
        change === undefined ? '' : fields({ ...change.patch, id: change.id, agent }),
        from === undefined ? '' : JSON.stringify(from.state),
        from === undefined ? '' : JSON.stringify(from.command),
        reservation?.maxSessions ?? '',
        reservation?.cpu ?? '',
        reservation?.memory ?? '',
        KEPT.goneSessionsMs,
      ];
      const appended = await connection.runDurably(SCRIPTS.append, keys, args);
      if (appended !== 'appended') await locator.forgetCommand(id);
      return appended as 'appended' | 'conflict' | 'at_capacity';
    },

    async get(id) {
      const agent = await locator.command(id);
      if (agent === undefined) return undefined;
      return record<CommandRecord>(await connection.run(SCRIPTS.get, [KEYS.command(agent, id)], []));
    },

    async open(agentId) {
      return records<CommandRecord>(
        await connection.run(SCRIPTS.open, [KEYS.queue(agentId)], [KEYS.command(agentId, '')]),
      );
    },

    async markSent(id, connectionId, at) {
      const agent = await locator.command(id);
      if (agent === undefined) return undefined;
      const keys = [KEYS.agent(agent), KEYS.command(agent, id)];
      return record(await connection.run(SCRIPTS.markSent, keys, [connectionId, at].map(json)));
    },

    async markAck(id, attempt, connectionId, at) {
      const agent = await locator.command(id);
      if (agent === undefined) return undefined;
      const keys = [KEYS.agent(agent), KEYS.command(agent, id)];
      return record(await connection.run(SCRIPTS.markAck, keys, [attempt, connectionId, at].map(json)));
    },

    async finish(id, attempt, outcome, at, sessionPatch) {
      const agent = await locator.command(id);
      if (agent === undefined) return undefined;
      const keys = [KEYS.agent(agent), KEYS.queue(agent), KEYS.final(agent), KEYS.command(agent, id)];
      const error = outcome.state === 'failed' ? outcome.error : null;
      const { id: _id, agent: _agent, ...patch } = sessionPatch ?? {};
      const args = [
        id,
        attempt?.number ?? '',
        attempt === null ? '' : json(attempt.connectionId),
        fields({ state: outcome.state, error, updated_at: at }),
        sessionPatch === undefined ? '' : fields(patch),
        KEYS.session(agent, ''),
        KEYS.command(agent, ''),
        KEPT.finalCommandsMs,
        KEPT.finalCommandsPerAgent,
        KEPT.goneSessionsMs,
      ];
      const finished = record<CommandRecord>(await connection.run(SCRIPTS.finish, keys, args));
      if (finished !== undefined) void locator.forgetCommand(id);
      return finished;
    },
  };
}

const json = (value: string | number): string => JSON.stringify(value);
