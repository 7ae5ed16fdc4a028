import { outcomeOf } from 'clock-port';
import { leaseRecordOf, type Lease } from './lease.ts';
import type { Sighting } from './one-object.ts';

interface Waiter {
  readonly revision: bigint;
  readonly resolve: () => void;
}

/**
 * The former lives of a Lease, as its watch reported them: each time the Lease is deleted and made again, it has another uid. Sightings count
 * in the order of the watch, including those older than this process's own writes.
 */
export class Lives {
  /** Uid of the life seen last. */
  #uid: string | undefined;
  #term = 0;
  /** The greatest term of all lives before that. */
  #before = 0;
  #seenTo = 0n;
  readonly #waiters = new Set<Waiter>();

  saw({ object, revision }: Sighting<Lease>): void {
    if (object) {
      const { uid } = object.metadata;
      if (uid !== this.#uid) {
        this.#before = Math.max(this.#before, this.#term);
        this.#uid = uid;
        this.#term = 0;
      }
      this.#term = Math.max(this.#term, leaseRecordOf(object).term);
    }
    if (/^\d+$/.test(revision)) this.#seenTo = BigInt(revision);
    for (const waiter of this.#waiters) if (waiter.revision <= this.#seenTo) waiter.resolve();
  }

  /** The greatest term of the lives before the one that began as `uid` at `revision`. Waits until the watch has reached that beginning. */
  async termBefore(uid: string, revision: bigint, signal: AbortSignal): Promise<number> {
    if (this.#seenTo < revision) await this.#seen(revision, signal);
    return uid === this.#uid ? this.#before : Math.max(this.#before, this.#term);
  }

  #seen(revision: bigint, signal: AbortSignal): Promise<void> {
    return outcomeOf(signal, (resolve) => {
      const waiter = { revision, resolve };
      this.#waiters.add(waiter);
      return () => this.#waiters.delete(waiter);
    });
  }
}
