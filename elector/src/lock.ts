/** The content of a lease. The same for every kind of lock; a lock maps it to its store. */
export interface LeaseRecord {
  /** Identity of the holder; `''` means released. */
  readonly holder: string;
  /** Greater than in every earlier acquisition; 0 if a foreign elector wrote none. */
  readonly term: number;
  /** Validity of the lease after a renewal, milliseconds (a lock may round it up to seconds). */
  readonly durationMs: number;
  /** When this holder acquired it, RFC 3339. For people: no decision depends on it. */
  readonly acquiredAt: string;
  /** When it was last renewed, RFC 3339. For people: each observer measures expiry on its own monotonic clock. */
  readonly renewedAt: string;
  /** Number of changes of the holder since the lease was created. */
  readonly transitions: number;
}

/** A record and the opaque version that a conditional update names. */
export interface LeaseState {
  readonly record: LeaseRecord;
  readonly version: string;
}

/** A replica that takes part in the election. */
export interface Candidate {
  readonly identity: string;
  /** When it announced itself, RFC 3339. */
  readonly since: string;
}

/**
 * Access to the lease. Every call takes a signal and ends when it aborts. Every rejection except
 * {@link ConflictError} means "unknown": a write may or may not have been done (and may still be done later).
 */
export interface Lock {
  /** Name of the lease, for logs and status. */
  readonly name: string;

  /** The current state, never an older one than was current at the call; `undefined` when there is no lease. */
  read(signal: AbortSignal): Promise<LeaseState | undefined>;

  /** Creates the lease and returns its version. {@link ConflictError} when there is one already. */
  create(record: LeaseRecord, signal: AbortSignal): Promise<string>;

  /**
   * Replaces the record iff the lease is still at `version`; returns the new version. {@link ConflictError} when it is not, or
   * when the lease is gone: then nothing was written.
   */
  update(record: LeaseRecord, version: string, signal: AbortSignal): Promise<string>;

  /**
   * Calls back with the current state, then with changes (`undefined`: there is no lease) until the signal aborts. Events may be late, joined or missing: the elector acts on them by conditional writes only. Resolves or rejects when the
   * watch ends, for any reason; the elector starts another.
   */
  watch?(onChange: (state: LeaseState | undefined) => void, signal: AbortSignal): Promise<void>;

  /**
   * Resolves with the greatest term of the leases before the one that {@link create} made as `version`, once {@link watch} has reported all earlier changes: a lease that was
   * created and deleted within a moment also had a term. Waits if no watch runs. For locks that lose the term with the deleted lease.
   */
  termBefore?(version: string, signal: AbortSignal): Promise<number>;

  /**
   * Resolves, with the evidence in words, once it is certain that the holder of this acquisition can't act any more (its process or
   * container is gone). Waits for ever without evidence; rejects when aborted.
   */
  holderGone?(record: LeaseRecord, signal: AbortSignal): Promise<string>;

  /** Makes this replica visible to {@link Lock.candidates} until the signal aborts, then withdraws it and resolves. */
  announce?(identity: string, signal: AbortSignal): Promise<void>;

  /** The living replicas known to this lock, leader included. */
  candidates?(signal: AbortSignal): Promise<Candidate[]>;
}

/** The lease was not at the version named, or existed already, or is gone. Nothing was written. */
export class ConflictError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConflictError';
  }
}

/** The lock could not answer. `retryAfterMs`: the store asked for no call before that. */
export class LockError extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LockError';
    this.retryAfterMs = options.retryAfterMs;
  }
}
