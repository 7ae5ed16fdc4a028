import { type AgentMessageOf, type HubMessageOf, StreamSpaceError } from '@streamspace/protocol';
import type { Operation, SessionDriver } from '../sessions/driver.ts';

export type CommandMessage = HubMessageOf<'command'>;
/** The outcome of a command, without the attempt that it answers. */
export type Outcome = Omit<AgentMessageOf<'result'>, 'type' | 'command_id' | 'attempt'>;

/** Executes one command. Rejects with the driver's errors, and with `invalid_request` for a command without the fields of its action. */
export async function perform(driver: SessionDriver, command: CommandMessage, operation: Operation): Promise<Outcome> {
  switch (command.action) {
    case 'create_session':
      if (command.spec === undefined) throw new StreamSpaceError('invalid_request', 'create_session needs a spec');
      if (command.session_id !== undefined && command.session_id !== command.spec.id) {
        throw new StreamSpaceError('invalid_request', 'create_session: session_id and spec.id differ');
      }
      return { session: await driver.create(command.spec, operation) };
    case 'delete_session':
      await driver.delete(sessionOf(command), { deleteHome: command.delete_home ?? false }, operation);
      return {};
    case 'hibernate_session':
      return { session: await driver.hibernate(sessionOf(command), operation) };
    case 'wake_session':
      return { session: await driver.wake(sessionOf(command), operation) };
    case 'list_sessions':
      return { sessions: await driver.list(operation.signal) };
  }
}

function sessionOf(command: CommandMessage): string {
  if (command.session_id === undefined) {
    throw new StreamSpaceError('invalid_request', `${command.action} needs a session_id`);
  }
  return command.session_id;
}

/** Commands with the same key run one after the other [CMD5]. */
export function laneOf(command: CommandMessage): string {
  const session = command.session_id ?? command.spec?.id;
  return session === undefined ? `command ${command.id}` : `session ${session}`;
}
