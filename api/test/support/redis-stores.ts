import { systemClock } from 'clock-port';
import { openStore, type StoreSettings } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { command, ROOM, session } from './records.ts';
import type { RedisProcess } from './redis-programs.ts';

/** Opens stores and starts servers, and ends all of them. */
export class RedisScene {
  readonly #stores: Store[] = [];
  readonly #servers: RedisProcess[] = [];

  store(settings: StoreSettings): Store {
    const store = openStore(settings, systemClock);
    this.#stores.push(store);
    return store;
  }

  async server(starting: Promise<RedisProcess>): Promise<RedisProcess> {
    const server = await starting;
    this.#servers.push(server);
    return server;
  }

  async end(): Promise<void> {
    await Promise.all(this.#stores.splice(0).map((store) => store.close()));
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
  }
}

/** Creates sessions with their commands, several at once, as users do, and knows which were accepted. */
export class Creating {
  readonly accepted: string[] = [];
  readonly refused: unknown[] = [];
  readonly #store: Store;
  readonly #agents: readonly string[];
  readonly #workers: Promise<void>[];
  #next = 0;
  #over = false;

  constructor(store: Store, agents: readonly string[] = ['a1'], workers = 8) {
    this.#store = store;
    this.#agents = agents;
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  /** Resolves with the next one that is accepted. */
  async more(count: number): Promise<void> {
    const wanted = this.accepted.length + count;
    while (this.accepted.length < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#workers);
  }

  /** Which of the accepted are not there any more: session, command, or its place in the queue. */
  async lost(): Promise<string[]> {
    const open = await Promise.all(this.#agents.map((agent) => this.#store.commands.open(agent)));
    const queued = new Set(open.flat().map(({ id }) => id));
    const lost = await Promise.all(
      this.accepted.map(async (id) => {
        const [its, first] = [await this.#store.sessions.get(id), await this.#store.commands.get(`c-${id}`)];
        return its?.command === `c-${id}` && first?.session === id && queued.has(`c-${id}`) ? [] : [id];
      }),
    );
    return lost.flat();
  }

  async #work(): Promise<void> {
    const room = { ...ROOM, maxSessions: 1e6, cpu: 1e6, memory: 1e15 };
    while (!this.#over) {
      const number = this.#next++;
      const id = `s${number}`;
      const agent = this.#agents[number % this.#agents.length]!;
      try {
        const its = command({ id: `c-${id}`, session: id, agent });
        await this.#store.sessions.create(session({ id, command: its.id, agent }), its, room);
        this.accepted.push(id);
      } catch (error) {
        this.refused.push(error);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}
