import type { AgentMessage, SessionSpec } from '@streamspace/protocol';
import { systemClock } from 'clock-port';
import { pino } from 'pino';
import { Dispatcher } from '../../src/commands/dispatcher.ts';
import type { CommandMessage } from '../../src/commands/operation.ts';
import type { SessionDriver } from '../../src/sessions/driver.ts';

/** Commands to a driver as a hub gives them, and their results. */
export class TestCommands {
  /** By command (`create-ID`, `delete-ID`): the error's code, or `done`. */
  readonly results = new Map<string, string>();
  readonly #dispatcher: Dispatcher;

  /** `timeout`: of one command, milliseconds. */
  constructor(driver: SessionDriver, { concurrency, timeout }: { concurrency: number; timeout: number }) {
    this.#dispatcher = new Dispatcher({
      driver,
      clock: systemClock,
      log: pino({ level: 'silent' }),
      observer: { onStart: () => undefined, onFinish: () => undefined, onAnswered: () => undefined },
      concurrency,
      timeout,
    });
  }

  create(spec: SessionSpec): void {
    this.#give({ id: `create-${spec.id}`, action: 'create_session', session_id: spec.id, spec });
  }

  delete(id: string): void {
    this.#give({ id: `delete-${id}`, action: 'delete_session', session_id: id });
  }

  #give(command: Partial<CommandMessage>): void {
    const send = (message: AgentMessage) => {
      if (message.type === 'result') this.results.set(message.command_id, message.error?.code ?? 'done');
    };
    this.#dispatcher.dispatch({ type: 'command', attempt: 1, ...command } as CommandMessage, 1, { send });
  }
}
