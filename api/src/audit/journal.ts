import { StreamSpaceError } from '@streamspace/protocol';
import { type Clock, iso, withDeadline } from 'clock-port';
import type { AuditHead, AuditLine, AuditStore } from '../store/store.ts';
import { type AuditFact, chained } from './chain.ts';

/** Most entries that are added in one step. */
const TOGETHER = 200;
/** Most entries that wait. */
const WAITING = 10_000;
/** Milliseconds for an entry to be written. */
const WRITE_MS = 10_000;

/** `at` is the journal's. */
export type AuditNote = Omit<AuditFact, 'at'>;

interface Waiting {
  readonly note: AuditNote;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export interface JournalOptions {
  readonly store: { readonly audit: AuditStore };
  readonly clock: Clock;
  /** Milliseconds after which entries go, and the most that are kept. */
  readonly kept: { readonly ageMs: number; readonly most: number };
}

/**
 * Writes the audit log of all hub replicas, one chain. Entries that come while others are written are added in one step: by compare-and-set of
 * the newest entry, since other replicas write too.
 */
export class AuditJournal {
  readonly #options: JournalOptions;
  readonly #waiting: Waiting[] = [];
  #head: AuditHead | undefined;
  #writing = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Resolves when the entry is written, durably. Rejects with `store_unavailable`. */
  record(note: AuditNote): Promise<void> {
    if (this.#waiting.length >= WAITING)
      return Promise.reject(
        new StreamSpaceError('store_unavailable', `${WAITING} entries of the audit log wait for the store: try again`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ note, done: resolve, failed: reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#waiting.length > 0) {
        const some = this.#waiting.splice(0, TOGETHER);
        try {
          await withDeadline(this.#options.clock, WRITE_MS, 'the audit log', undefined, (signal) =>
            this.#append(some, signal),
          );
          for (const { done } of some) done();
        } catch (error) {
          // whether it was written is unknown: what the store has decides
          this.#head = undefined;
          const reason =
            error instanceof StreamSpaceError ? error.message : 'the audit log could not be written in time';
          for (const { failed } of some)
            failed(new StreamSpaceError('store_unavailable', reason, {}, { cause: error }));
        }
      }
    } finally {
      this.#writing = false;
    }
  }

  async #append(some: readonly Waiting[], signal: AbortSignal): Promise<void> {
    const { store, clock, kept } = this.#options;
    let head = this.#head ?? (await store.audit.head());
    for (;;) {
      signal.throwIfAborted();
      const now = clock.now();
      const lines: AuditLine[] = [];
      for (const { note } of some) lines.push(chained({ ...note, at: iso(now) }, lines.at(-1) ?? head, now));
      const newest = await store.audit.append(head, lines, { since: now - kept.ageMs, most: kept.most });
      const last = lines.at(-1)!;
      if (newest === undefined || (await this.#isWritten(last, newest))) {
        this.#head = newest ?? { seq: last.seq, hash: last.hash };
        return;
      }
      head = newest;
    }
  }

  /** Whether these are written all the same: the answer to an earlier try of the store's client got lost. */
  async #isWritten(last: AuditLine, newest: AuditHead): Promise<boolean> {
    if (newest.seq < last.seq) return false;
    if (newest.seq === last.seq) return newest.hash === last.hash;
    const [found] = await this.#options.store.audit.read(last.seq + 1, 1);
    return found === last.text;
  }
}
