import type { SessionStatus } from '@streamspace/protocol';
import type { Ending, Operations } from '../core/operations.ts';
import type { HostConnection } from './host-connection.ts';

export interface WatchSource {
  /** The running start's connection; undefined when none is wanted or there is none. */
  open(id: string): Promise<HostConnection | undefined>;
  status(id: string): Promise<SessionStatus | undefined>;
  /** What changes while one goes on is its doing. */
  readonly operations: Operations;
}

/** Keeps a connection to each running session's host, and reports when one ends or says something new without being asked to. */
export class SessionWatch {
  readonly #source: WatchSource;
  readonly #report: (id: string, status: SessionStatus | undefined) => void;
  readonly #connections = new Map<string, HostConnection>();
  readonly #known = new Map<string, SessionStatus['state'] | 'gone'>();
  #closed = false;

  constructor(source: WatchSource, report: (id: string, status: SessionStatus | undefined) => void) {
    this.#source = source;
    this.#report = report;
  }

  /**
   * Call at the start and after each operation, with the state that the caller believes in; what differs from it is reported.
   * Undefined (the operation failed): what was known before, or what is found now.
   */
  async follow(id: string, believed: Ending): Promise<void> {
    if (believed) this.#known.set(id, believed);
    this.#connections.get(id)?.close();
    this.#connections.delete(id);
    if (believed === 'gone') this.#known.delete(id);
    if (believed === 'gone' || believed === 'hibernated' || this.#closed) return;
    const connection = await this.#source.open(id);
    if (connection) {
      if (this.#closed || this.#connections.has(id)) return connection.close();
      this.#connections.set(id, connection);
      connection.onChange(() => {
        if (this.#connections.get(id) === connection) void this.#check(id);
      });
    }
    await this.#check(id);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #check(id: string): Promise<void> {
    if (this.#closed || this.#source.operations.concern(id)) return;
    const status = await this.#source.status(id).catch(() => undefined);
    const state = status?.state ?? 'gone';
    if (this.#closed || this.#source.operations.concern(id) || this.#known.get(id) === state) return;
    const first = !this.#known.has(id);
    this.#known.set(id, state);
    if (!first) this.#report(id, status);
  }
}
