import type { Session } from '@streamspace/protocol';
import type { CommandRecord, CommandStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { fields, record, records } from './hashes.ts';
import { RETENTION, KEYS } from './keys.ts';
import type { Locator } from './locator.ts';
import { quotaArgument, overQuota } from './quota.ts';
import { SCRIPTS } from './scripts.ts';

export function redisCommands(connection: RedisConnection, locator: Locator): CommandStore {
  return {
    async append(command, change) {
      const { id, agent } = command;
      const its = KEYS.command(agent, id);
      const keys = [KEYS.agent(agent), KEYS.queue(agent), its, change ? KEYS.session(agent, change.id) : its];
      // on a Cluster the index may be on another node: write it before the entries that it points to
      if (connection.oneNode) keys.push(KEYS.agentOfCommand(id));
      else await locator.addCommand(id, agent);
      const { from, reservation, quota } = change ?? {};
      if (quota !== undefined) {
        connection.requireOneNode('quotas');
        keys.push(KEYS.sessionsOfUser(quota.user));
      }
      const args = [
        id,
        fields(command),
        change === undefined ? '' : fields({ ...change.patch, id: change.id, agent }),
        from === undefined ? '' : JSON.stringify(from.state),
        from === undefined ? '' : JSON.stringify(from.command),
        reservation?.maxSessions ?? '',
        reservation?.cpu ?? '',
        reservation?.memory ?? '',
        RETENTION.goneSessionsMs,
        agent,
        RETENTION.commandIndexMs,
        quota === undefined ? '' : quotaArgument(quota),
      ];
      const appended = await connection.runDurably(SCRIPTS.append, keys, args);
      const refusal = quota && overQuota(appended, quota);
      if (refusal !== undefined) throw refusal;
      if (appended === 'appended') locator.rememberCommand(id, agent);
      else if (!connection.oneNode) await locator.forgetCommand(id);
      return appended as 'appended' | 'conflict' | 'at_capacity';
    },

    async get(id, lasting) {
      const agent = await locator.command(id);
      if (agent === undefined) return undefined;
      const keys = [KEYS.command(agent, id)] as const;
      const found = lasting ? connection.runLasting(SCRIPTS.get, keys, []) : connection.run(SCRIPTS.get, keys, []);
      return record<CommandRecord>(await found);
    },

    async open(agentId) {
      return records<CommandRecord>(
        await connection.run(SCRIPTS.open, [KEYS.queue(agentId)], [KEYS.command(agentId, '')]),
      );
    },

    async next(agentId, after, limit, lasting) {
      const args = [KEYS.command(agentId, ''), after, limit];
      const keys = [KEYS.queue(agentId)] as const;
      const answer = lasting
        ? connection.runLasting(SCRIPTS.next, keys, args)
        : connection.run(SCRIPTS.next, keys, args);
      const [found, last] = (await answer) as [string, string];
      const commands = records<CommandRecord>(found);
      for (const { id } of commands) locator.rememberCommand(id, agentId);
      return { commands, last: Number(last) };
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
      const keys = [KEYS.agent(agent), KEYS.queue(agent), KEYS.final(agent), KEYS.command(agent, id)] as const;
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
        RETENTION.finalCommandsMs,
        RETENTION.finalCommandsPerAgent,
        RETENTION.goneSessionsMs,
      ];
      // a reported end should survive a failover; without any replica it counts all the same
      const { result, durable } = await connection.runSoonDurable(SCRIPTS.finish, keys, args);
      if (result === null) return undefined;
      void locator.forgetCommand(id);
      const [its, sessions] = result as [string, string | null];
      const session = record<Session>(sessions);
      return { command: record<CommandRecord>(its)!, ...(session !== undefined && { session }), settled: durable };
    },
  };
}

const json = (value: string | number): string => JSON.stringify(value);
