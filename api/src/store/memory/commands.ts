import { type CommandRecord, type CommandStore, isFinal } from '../store.ts';
import type { MemoryState } from './state.ts';

export function memoryCommands(state: MemoryState): CommandStore {
  const open = (id: string): CommandRecord | undefined => {
    const command = state.commands.get(id);
    return command === undefined || isFinal(command) ? undefined : command;
  };
  /** Whether the connection has the attempt, and still the agent: messages of a superseded one have no effect (I1). */
  const has = (command: CommandRecord, attempt: number, connectionId: string): boolean =>
    command.attempt === attempt &&
    command.connection_id === connectionId &&
    state.agents.get(command.agent)?.connection_id === connectionId;
  const put = (command: CommandRecord): CommandRecord => ({ ...state.putCommand(command) });

  return {
    async append(command, change) {
      if (change !== undefined) {
        const session = state.sessions.get(change.id);
        const { from, patch, reservation, quota } = change;
        if (
          session === undefined ||
          (from !== undefined && (session.state !== from.state || session.command !== from.command))
        )
          return 'conflict';
        state.withinQuota(quota);
        if (reservation !== undefined && !state.fits(session, reservation)) return 'at_capacity';
        state.putSession({ ...session, ...patch, id: session.id });
      }
      put({ ...command });
      return 'appended';
    },

    async get(id) {
      const command = state.commands.get(id);
      return command && { ...command };
    },

    async open(agentId) {
      return state.openCommands(agentId).map((command) => ({ ...command }));
    },

    async next(agentId, after, limit) {
      const commands = state
        .openCommands(agentId)
        .filter(({ id }) => state.placeOf(id) > after)
        .slice(0, limit)
        .map((command) => ({ ...command }));
      const last = commands.at(-1);
      return { commands, last: last === undefined ? after : state.placeOf(last.id) };
    },

    async markSent(id, connectionId, at) {
      const command = open(id);
      if (command === undefined || state.agents.get(command.agent)?.connection_id !== connectionId) return undefined;
      return put({
        ...command,
        state: 'sent',
        attempt: command.attempt + 1,
        connection_id: connectionId,
        updated_at: at,
      });
    },

    async markAck(id, attempt, connectionId, at) {
      const command = open(id);
      if (command?.state !== 'sent' || !has(command, attempt, connectionId)) return undefined;
      return put({ ...command, state: 'ack', updated_at: at });
    },

    async finish(id, attempt, outcome, at, sessionPatch) {
      const command = open(id);
      if (command === undefined) return undefined;
      if (attempt !== null && !has(command, attempt.number, attempt.connectionId)) return undefined;
      const session = command.session === null ? undefined : state.sessions.get(command.session);
      const changes =
        session !== undefined && sessionPatch !== undefined && session.command === id && session.state !== 'gone';
      const changed = changes ? state.putSession({ ...session, ...sessionPatch, id: session.id }) : undefined;
      const final = put({
        ...command,
        state: outcome.state,
        error: outcome.state === 'failed' ? outcome.error : null,
        updated_at: at,
      });
      return { command: final, ...(changed !== undefined && { session: { ...changed } }), settled: true };
    },
  };
}
