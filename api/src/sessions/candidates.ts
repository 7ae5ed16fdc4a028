import type { Clock } from 'clock-port';
import type { AgentRecord, Store } from '../store/store.ts';

/** Shortest and longest use of one read of the agents, milliseconds. */
const AGE_MS = { least: 100, most: 5_000 };
/** Largest share of the time spent reading them. */
const SHARE = 1 / 20;

/**
 * The agents for placement: read from time to time, and updated by events and by this replica's own placements in between. The store checks again
 * room and drain when a session is made, and a refusal is based only on a fresh read.
 */
export class Candidates {
  readonly #store: Pick<Store, 'agents' | 'events'>;
  readonly #clock: Clock;
  #agents = new Map<string, AgentRecord>();
  /** Monotonic milliseconds at which this read expires. */
  #until = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(store: Pick<Store, 'agents' | 'events'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Applies the events of others, until the signal aborts. */
  follow(signal: AbortSignal): void {
    this.#store.events.subscribe(({ type, agent: id, data }) => {
      const known = id === null ? undefined : this.#agents.get(id);
      if (known === undefined || id === null) {
        // a new agent: nothing to update
        if (type === 'agent.registered') this.#until = Number.NEGATIVE_INFINITY;
      } else if (type === 'agent.disconnected') {
        // the next read tells whether it is expected to return
        this.#agents.set(id, { ...known, connected: false, status: 'offline', away_since: null });
      } else if (type === 'agent.registered' || type === 'agent.updated') {
        this.#agents.set(id, { ...known, ...(data as unknown as Partial<AgentRecord>) });
      }
    }, signal);
  }

  /** `fresh`: with a read after this call. */
  async list(fresh: boolean): Promise<AgentRecord[]> {
    if (fresh) await this.#reading?.catch(() => undefined);
    if (fresh || this.#clock.monotonic() >= this.#until) await (this.#reading ??= this.#read());
    return [...this.#agents.values()];
  }

  /** Counts a session placed there, for the next placement. */
  placed(agentId: string, { cpu, memory }: { cpu: number; memory: number }): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) return;
    const used = { cpu: agent.used.cpu + cpu, memory: agent.used.memory + memory };
    this.#agents.set(agentId, { ...agent, active_sessions: agent.active_sessions + 1, used });
  }

  async #read(): Promise<void> {
    const began = this.#clock.monotonic();
    try {
      const agents = await this.#store.agents.list();
      this.#agents = new Map(agents.map((agent) => [agent.id, agent]));
      const now = this.#clock.monotonic();
      this.#until = now + Math.min(Math.max((now - began) / SHARE, AGE_MS.least), AGE_MS.most);
    } finally {
      this.#reading = undefined;
    }
  }
}
