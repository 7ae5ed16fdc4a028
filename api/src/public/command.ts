import type { Command } from '@streamspace/protocol';
import type { CommandRecord } from '../store/store.ts';

/** The command as users see it: without what its delivery needs. */
export function publicCommand(record: CommandRecord): Command {
  const { connection_id: _connection, payload: _payload, former: _former, ...command } = record;
  return command;
}
