import type { Command } from '@streamspace/protocol';
import type { CommandRecord } from '../store/store.ts';

/** The command as users see it: without the fields for its delivery. */
export function publicCommand(record: CommandRecord): Command {
  const { connection_id: _connection, payload: _payload, former: _former, ...command } = record;
  return command;
}
