import { describe } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { agentContract } from './store/agents.ts';
import { commandContract } from './store/commands.ts';
import { credentialContract } from './store/credentials.ts';
import { eventContract } from './store/events.ts';
import { sessionContract } from './store/sessions.ts';
import { signalContract } from './store/signals.ts';
import { templateContract } from './store/templates.ts';
import { ticketContract } from './store/tickets.ts';

/** A fresh, empty store, and how to end it. */
export interface StoreUnderTest {
  store: Store;
  /** Lets so many milliseconds pass on the store's clock (or for real). */
  pass(ms: number): Promise<void>;
}

/** What every store has to do. The memory store and any other run this unchanged. */
export function storeContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    agentContract(makeStore);
    credentialContract(makeStore);
    sessionContract(makeStore);
    commandContract(makeStore);
    ticketContract(makeStore);
    eventContract(makeStore);
    templateContract(makeStore);
    signalContract(makeStore);
  });
}
