import type { Clock } from 'clock-port';
import type { Store } from '../store.ts';
import { memoryAgents } from './agents.ts';
import { memoryAudit } from './audit.ts';
import { memoryCommands } from './commands.ts';
import { memoryCredentials } from './credentials.ts';
import { memoryDisabledUsers } from './disabled-users.ts';
import { memoryEvents } from './events.ts';
import { memorySessions } from './sessions.ts';
import { memorySignIns } from './sign-ins.ts';
import { memorySignals } from './signals.ts';
import { MemoryState } from './state.ts';
import { memoryTemplates } from './templates.ts';
import { memoryTickets } from './tickets.ts';

/** A store in this process: for one hub replica, lost at its end. Agents' reports restore their sessions ([SES3]). */
export function memoryStore(clock: Clock): Store {
  const state = new MemoryState();
  return {
    agents: memoryAgents(state),
    credentials: memoryCredentials(),
    sessions: memorySessions(state),
    commands: memoryCommands(state),
    tickets: memoryTickets(clock),
    signIns: memorySignIns(clock),
    disabledUsers: memoryDisabledUsers(),
    audit: memoryAudit(),
    events: memoryEvents(clock),
    templates: memoryTemplates(),
    signals: memorySignals(),
    ping: async (signal) => signal.throwIfAborted(),
    // its data ends with its hub
    onReturn: () => {},
    close: async () => {},
  };
}
