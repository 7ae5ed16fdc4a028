import calculateSlot from 'cluster-key-slot';
import type { Clock } from 'clock-port';
import { Cluster } from 'ioredis';
import type { Client } from './client.ts';

/** After replicas were too slow, optional waits for them are skipped for this long, milliseconds. */
const MISSING_MS = 5_000;

/** Known state of each primary's replicas: of the only primary, or of those of a Cluster. */
export class StoreReplicas {
  readonly #clock: Clock;
  readonly #client: Client;
  /** Monotonic time, by primary, until which its replicas count as missing. */
  readonly #missingUntil = new Map<string, number>();
  /** By primary: the wait in progress, and the next one, for callers that came after it began. */
  readonly #waits = new Map<string, { now: Promise<void>; next?: Promise<void> }>();

  constructor(clock: Clock, client: Client) {
    this.#clock = clock;
    this.#client = client;
  }

  /** The primary that holds a key. */
  nodeOf(key: string): string {
    return this.#client instanceof Cluster ? (this.#client.slots[calculateSlot(key)]?.[0] ?? '') : '';
  }

  missing(node: string): boolean {
    return this.#clock.monotonic() < (this.#missingUntil.get(node) ?? Number.NEGATIVE_INFINITY);
  }

  missed(node: string): void {
    this.#missingUntil.set(node, this.#clock.monotonic() + MISSING_MS);
  }

  found(node: string): void {
    this.#missingUntil.delete(node);
  }

  /**
   * Waits for a primary's replicas: one wait at a time for all callers. A wait in progress may have begun before the write that a new caller
   * asks about, so that caller gets the next wait.
   */
  together(node: string, wait: () => Promise<void>): Promise<void> {
    const waits = this.#waits.get(node);
    if (waits !== undefined)
      return (waits.next ??= waits.now.catch(() => undefined).then(() => this.#begin(node, wait)));
    return this.#begin(node, wait);
  }

  #begin(node: string, wait: () => Promise<void>): Promise<void> {
    const now = wait();
    const waits: { now: Promise<void>; next?: Promise<void> } = { now };
    this.#waits.set(node, waits);
    const over = (): void => {
      if (waits.next === undefined) this.#waits.delete(node);
    };
    now.then(over, over);
    return now;
  }
}
