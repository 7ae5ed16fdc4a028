import calculateSlot from 'cluster-key-slot';
import type { Clock } from 'clock-port';
import { Cluster } from 'ioredis';
import type { Client } from './client.ts';

/** Milliseconds for which replicas that did not have something in time are not waited for without need. */
const MISSING_MS = 5_000;

/** What is known of the replicas of each primary: of one in all, or of those of a Cluster. */
export class StoreReplicas {
  readonly #clock: Clock;
  readonly #client: Client;
  /** Monotonic time, by primary, until which its replicas count as missing. */
  readonly #missingUntil = new Map<string, number>();
  /** By primary: the wait that is under way, and the one for whoever came after it began. */
  readonly #waits = new Map<string, { now: Promise<void>; next?: Promise<void> }>();

  constructor(clock: Clock, client: Client) {
    this.#clock = clock;
    this.#client = client;
  }

  /** The primary that has a key. */
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
   * Waits for a primary's replicas: however many callers, one wait at a time. One that is under way may have begun before what the caller
   * wants to know of, so that the caller gets the next.
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
