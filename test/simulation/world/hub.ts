import type { Mishaps, Random, VirtualClock } from '@streamspace/testkit';
import { SimProcess, type SimSocket, throughProcess } from '@streamspace/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { WebSocket } from 'ws';
import { AuditJournal } from '../../../api/src/audit/journal.ts';
import { agentGateway, type LinkGateway } from '../../../api/src/agents/gateway.ts';
import type { CommandNotifier } from '../../../api/src/agents/ports.ts';
import { readHubConfig } from '../../../api/src/config.ts';
import type { HubDeps } from '../../../api/src/deps.ts';
import { publisher } from '../../../api/src/events/publisher.ts';
import { clients } from '../../../api/src/http/client-address.ts';
import { Candidates } from '../../../api/src/sessions/candidates.ts';
import type { Store } from '../../../api/src/store/store.ts';

/** SIM_LOG=info shows what the programs of a simulation log. */
export const silent = pino(
  { level: process.env.SIM_LOG ?? 'silent', base: null, timestamp: false },
  pino.destination({ dest: 1, sync: true }),
);
const config = readHubConfig({ JWT_SECRET: 'x'.repeat(32), HEARTBEAT_INTERVAL: '1s', COMMAND_TIMEOUT: '1h' });

/** One process of the hub: the real gateway and dispatcher on a store that outlives it. */
export class SimHub {
  readonly process: SimProcess;
  readonly deps: HubDeps & { dispatcher: CommandNotifier; candidates: Candidates };
  readonly #gateway: LinkGateway;

  constructor(name: string, world: VirtualClock, random: Random, store: Store, mishaps: Mishaps) {
    const process = new SimProcess(name, world);
    this.process = process;
    const own = throughProcess(store, process, world, random, mishaps, ['subscribe', 'onReturn']);
    const deps: HubDeps = {
      config,
      store: own,
      clock: process.clock,
      log: silent,
      randomBytes: (size) => Buffer.from(Array.from({ length: size }, () => random.below(256))),
      hub: name,
      metrics: new Registry(),
      publish: publisher(own, process.clock),
    };
    const unused = () => Promise.reject(new Error('not in this simulation'));
    this.#gateway = agentGateway({
      ...deps,
      authenticateAgent: unused,
      originAllowed: () => true,
      takeTicket: unused,
      audit: new AuditJournal({ store: own, clock: process.clock, kept: config.audit }),
      watch: { follow: () => ({ cancel: () => undefined }) },
      clients: clients([]),
    });
    this.deps = { ...deps, dispatcher: this.#gateway.dispatcher, candidates: new Candidates(own, process.clock) };
  }

  /** An agent's connection, authenticated. */
  take(socket: SimSocket, agentId: string): void {
    this.#gateway.take(socket as unknown as WebSocket, agentId);
  }
}
