/** What a lease says. The same for every kind of lock; a lock maps it onto what its store can hold. */
export interface LeaseRecord {
  /** Identity of the holder; `''` means released. */
  readonly holder: string;
  /** Greater for every acquisition than for any before it; 0 when a foreign elector wrote none. */
  readonly term: number;
  /** How long the lease is good for after a renewal, milliseconds (a lock may round it up to seconds). */
  readonly durationMs: number;
  /** When this holder acquired it, RFC 3339. For people: nobody decides anything by it. */
  readonly acquiredAt: string;
  /** When it was last renewed, RFC 3339. For people: expiry counts on the observer's own monotonic clock. */
  readonly renewedAt: string;
  /** How often the holder has changed since the lease was created. */
  readonly transitions: number;
}

/** A record and the opaque version that a conditional update names. */
export interface LeaseState {
  readonly record: LeaseRecord;
  readonly version: string;
}

/** A replica that would lead if it could. */
export interface Candidate {
  readonly identity: string;
  /** When it announced itself, RFC 3339. */
  readonly since: string;
}

/**
 * Where the lease lives. Every call takes a signal and gives up when it aborts. Anything it rejects with except
 * {@link ConflictError} means "unknown": a write may or may not have been done (and may still be done later).
 */
export interface Lock {
  /** What the lease is called, for logs and status. */
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
   * Tells the current state, then changes (`undefined`: there is no lease) until the signal aborts. Events may be late, joined or missing: the elector acts on them by conditional writes only. Resolves or rejects when the
   * watch is over, for whatever reason; the elector starts another.
   */
  watch?(onChange: (state: LeaseState | undefined) => void, signal: AbortSignal): Promise<void>;

  /**
   * Resolves with the greatest term of the leases before the one that {@link create} made as `version`, once {@link watch} has told all that was before: one that was
   * made and deleted again in a moment had a term, too. Waits where no watch runs. For locks whose terms go with the lease when it is deleted.
   */
  termBefore?(version: string, signal: AbortSignal): Promise<number>;

  /**
   * Resolves, with the evidence in words, once it is certain that whoever acquired this record can't act any more (its process or
   * container is gone). Waits for ever where there is no evidence; rejects when aborted.
   */
  holderGone?(record: LeaseRecord, signal: AbortSignal): Promise<string>;

  /** Makes this replica visible to {@link Lock.candidates} until the signal aborts, then withdraws it and resolves. */
  announce?(identity: string, signal: AbortSignal): Promise<void>;

  /** The live replicas that this lock knows of, leader included. */
  candidates?(signal: AbortSignal): Promise<Candidate[]>;
}

/** The lease was not at the version named, or existed already, or is gone. Nothing was written. */
export class ConflictError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConflictError';
  }
}

/** The lock could not answer. `retryAfterMs`: the store asked not to be called again before that. */
export class LockError extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LockError';
    this.retryAfterMs = options.retryAfterMs;
  }
}
