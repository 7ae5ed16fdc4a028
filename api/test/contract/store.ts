import type { StoreUnderTest } from './store/harness.ts';
import { describe } from 'vitest';
import { agentContract } from './store/agents.ts';
import { auditContract } from './store/audit.ts';
import { commandContract } from './store/commands.ts';
import { credentialContract } from './store/credentials.ts';
import { disabledUserContract } from './store/disabled-users.ts';
import { eventContract } from './store/events.ts';
import { sessionContract } from './store/sessions.ts';
import { signInContract } from './store/sign-ins.ts';
import { signalContract } from './store/signals.ts';
import { templateContract } from './store/templates.ts';
import { ticketContract } from './store/tickets.ts';

/** What every store has to do. The memory store and any other run this unchanged. */
export function storeContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    agentContract(makeStore);
    credentialContract(makeStore);
    sessionContract(makeStore);
    commandContract(makeStore);
    ticketContract(makeStore);
    signInContract(makeStore);
    disabledUserContract(makeStore);
    auditContract(makeStore);
    eventContract(makeStore);
    templateContract(makeStore);
    signalContract(makeStore);
  });
}
