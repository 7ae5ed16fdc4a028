import { whenAborted } from 'clock-port';
import { StreamSpaceError } from '@streamspace/protocol';
import type { AgentLink } from '../link/link.ts';

/** The links of this hub: those in the handshake, and the one live link of each agent. */
export class Roster {
  readonly #arriving = new Set<AgentLink>();
  readonly #live = new Map<string, AgentLink>();
  /** Pending store work of closed links. */
  readonly #endings = new Set<Promise<void>>();
  readonly #leaving = new Set<() => void>();

  get(agentId: string): AgentLink | undefined {
    return this.#live.get(agentId);
  }

  get live(): Iterable<AgentLink> {
    return this.#live.values();
  }

  /** Connections, welcomed or in the handshake. */
  get size(): number {
    return this.#live.size + this.#arriving.size;
  }

  get counts(): { links: number; handshakes: number; streams: number } {
    let streams = 0;
    for (const link of this.#live.values()) streams += link.streams.size;
    return { links: this.#live.size, handshakes: this.#arriving.size, streams };
  }

  /** Welcomed connections. */
  get links(): number {
    return this.#live.size;
  }

  /** Connections in the handshake. */
  get arriving(): number {
    return this.#arriving.size;
  }

  arrive(link: AgentLink): void {
    this.#arriving.add(link);
  }

  depart(link: AgentLink): void {
    this.#arriving.delete(link);
  }

  /** The link is the agent's from now on; the previous one is notified and closed [CON6]. */
  admit(link: AgentLink): void {
    this.#arriving.delete(link);
    const old = this.#live.get(link.agentId);
    this.#live.set(link.agentId, link);
    if (old === undefined) return;
    supersede(old, `${link.replica} was accepted with term ${link.term}`);
  }

  /** Another hub replica has accepted a connection of the agent in place of this one. */
  supersede(agentId: string, connectionId: string, why: string): void {
    const link = this.#live.get(agentId);
    if (link?.connectionId === connectionId) supersede(link, why);
  }

  /** Number of messages of links that are not stored yet. */
  get queued(): number {
    let sum = 0;
    for (const link of this.#live.values()) sum += link.work.size;
    return sum;
  }

  /** The link has closed; `ending` is its pending store work. Its successor, if there is one, stays (failure 7). */
  remove(link: AgentLink, ending: Promise<void>): void {
    if (this.#live.get(link.agentId) === link) this.#live.delete(link.agentId);
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
    for (const listener of this.#leaving) listener();
  }

  /** Ends the agent's link to this replica. */
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
    whenAborted(signal, () => this.#leaving.delete(listener));
  }

  /** Resolves when all pending work of closed links is stored. */
  async settled(): Promise<void> {
    await Promise.all(this.#endings);
  }
}

function supersede(link: AgentLink, why: string): void {
  // its messages that are not stored yet must have no effect any more
  link.work.drop();
  link.end(new StreamSpaceError('superseded', why));
}
