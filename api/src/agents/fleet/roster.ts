import { StreamSpaceError } from '@streamspace/protocol';
import type { AgentLink } from '../link/link.ts';

/** The links of this hub: those that are being welcomed, and the one live link of each agent. */
export class Roster {
  readonly #arriving = new Set<AgentLink>();
  readonly #live = new Map<string, AgentLink>();
  /** What closed links still have to store. */
  readonly #endings = new Set<Promise<void>>();
  readonly #leaving = new Set<() => void>();

  get(agentId: string): AgentLink | undefined {
    return this.#live.get(agentId);
  }

  get live(): Iterable<AgentLink> {
    return this.#live.values();
  }

  /** Connections, welcomed or about to be. */
  get size(): number {
    return this.#live.size + this.#arriving.size;
  }

  get counts(): { links: number; handshakes: number; streams: number } {
    let streams = 0;
    for (const link of this.#live.values()) streams += link.streams.size;
    return { links: this.#live.size, handshakes: this.#arriving.size, streams };
  }

  /** Connections that are welcome. */
  get links(): number {
    return this.#live.size;
  }

  /** Connections that are about to be welcomed. */
  get arriving(): number {
    return this.#arriving.size;
  }

  arrive(link: AgentLink): void {
    this.#arriving.add(link);
  }

  depart(link: AgentLink): void {
    this.#arriving.delete(link);
  }

  /** The link is the agent's from now on; the one that was is told and closed [CON6]. */
  admit(link: AgentLink): void {
    this.#arriving.delete(link);
    const old = this.#live.get(link.agentId);
    this.#live.set(link.agentId, link);
    if (old === undefined) return;
    supersede(old, `${link.replica} was accepted with term ${link.term}`);
  }

  /** Another replica of the hub has accepted a connection of the agent in the place of this one. */
  supersede(agentId: string, connectionId: string, why: string): void {
    const link = this.#live.get(agentId);
    if (link?.connectionId === connectionId) supersede(link, why);
  }

  /** Things that links said and that are not stored yet. */
  get queued(): number {
    let sum = 0;
    for (const link of this.#live.values()) sum += link.work.size;
    return sum;
  }

  /** The link has closed, and `ending` is what it still has to store. Its successor, if there is one, stays (failure 7). */
  remove(link: AgentLink, ending: Promise<void>): void {
    if (this.#live.get(link.agentId) === link) this.#live.delete(link.agentId);
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
    for (const listener of this.#leaving) listener();
  }

  /** Ends what the agent has here. */
  end(agentId: string, error: StreamSpaceError): void {
    for (const link of this.#arriving) if (link.agentId === agentId) link.end(error);
    this.#live.get(agentId)?.end(error);
  }

  endArriving(error: StreamSpaceError): void {
    for (const link of this.#arriving) link.end(error);
  }

  endAll(error: StreamSpaceError): void {
    this.endArriving(error);
    for (const link of this.#live.values()) link.end(error);
  }

  /** Calls back whenever a link has closed, until the signal aborts. */
  onLeave(listener: () => void, signal: AbortSignal): void {
    this.#leaving.add(listener);
    signal.addEventListener('abort', () => this.#leaving.delete(listener), { once: true });
  }

  /** Resolves when everything is stored that closed links had to store. */
  async settled(): Promise<void> {
    await Promise.all(this.#endings);
  }
}

function supersede(link: AgentLink, why: string): void {
  // nothing that it has said and that is not stored yet may have an effect any more
  link.work.drop();
  link.end(new StreamSpaceError('superseded', why));
}
