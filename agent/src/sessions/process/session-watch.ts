import type { SessionStatus } from '@streamspace/protocol';
import type { Ending, Operations } from '../core/operations.ts';
import type { HostConnection } from './host-connection.ts';

export interface WatchSource {
  /** The connection to the running start; undefined when none is wanted or there is none. */
  open(id: string): Promise<HostConnection | undefined>;
  status(id: string): Promise<SessionStatus | undefined>;
  /** Changes during an operation are the operation's own, and are not reported. */
  readonly operations: Operations;
}

/** Keeps a connection to each running session's host, and reports unrequested ends and changes. */
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
   * Called at the start and after each operation, with the state that the caller believes in; a different state is reported. Undefined (the
   * operation failed): the last known state, or else the state found now.
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
