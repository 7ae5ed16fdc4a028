import type { StreamSpaceError } from '@streamspace/protocol';
import type { Operation } from '../driver.ts';
import { checkReadable, fence, isOwn, type RecordChange, type SessionRecord } from './record.ts';
import { changedAlways, notFound } from './refusals.ts';

/**
 * A platform's store of session records, which all replicas of the agent share.
 * `Stored`: a record with its version, as read. `Draft`: a record to be written.
 */
export interface RecordStore<Stored extends SessionRecord, Draft> {
  /** The first write of a record fails if any record of the session exists: a create need not read first. */
  readonly exclusive: boolean;
  /** The record of a deleted session stays for a while, even if the session never existed: it refuses late commands of a superseded leader. */
  readonly tombstones: boolean;

  /** The current record, whichever agent owns it and whether or not it can be read; undefined: there is none. */
  read(sessionId: string, signal: AbortSignal): Promise<Stored | undefined>;

  /** All records of this agent. */
  list(signal: AbortSignal): Promise<Stored[]>;

  /** The record after the change; a new session has no `current`. Fields written by newer versions stay. */
  draft(sessionId: string, current: Stored | undefined, change: RecordChange): Draft;

  /**
   * Compare-and-set: returns undefined and changes nothing if the record is no longer at `expected`, or, without `expected`, if a record
   * exists.
   */
  write(next: Draft, expected: Stored | undefined, signal: AbortSignal): Promise<Stored | undefined>;

  /** Called when only the record of the session is left: removes the record or marks it as done, unless somebody has changed it since. */
  remove(record: Stored, signal: AbortSignal): Promise<void>;
}

/** A record has few writers: more conflicts in a row than this are a fault. */
const TRIES = 100;

export interface ChangeOptions {
  readonly agentId: string;
  /** Accepts a record that can't be read. */
  readonly anyway?: boolean;
  /** Skips the first read: a create usually finds no record. */
  readonly blind?: boolean;
  /** The error for a record of another agent; `not_found` by default. */
  readonly another?: StreamSpaceError;
}

/**
 * Changes a record on behalf of the operation. `decide` gets the current record and returns the change; it is called again after a conflict
 * with another writer. If it returns undefined, only the term is written. Returns the valid record afterwards; undefined: there is none. Throws
 * `superseded`, the errors of `decide`, and `driver_failed` for a record that can't be read.
 */
export async function changeRecord<Stored extends SessionRecord, Draft>(
  records: RecordStore<Stored, Draft>,
  sessionId: string,
  operation: Operation,
  decide: (current: Stored | undefined) => Draft | undefined,
  { agentId, anyway = false, blind = false, another = notFound(sessionId) }: ChangeOptions,
): Promise<Stored | undefined> {
  const { signal, term } = operation;
  for (let tries = 0; tries < TRIES; tries++) {
    const current = blind && tries === 0 ? undefined : await records.read(sessionId, signal);
    // a later command may have made this one pointless
    signal.throwIfAborted();
    if (current !== undefined) {
      if (!isOwn(current, agentId)) throw another;
      fence(current, operation);
      if (!anyway) checkReadable(current);
    }
    const next = decide(current);
    if (next === undefined && (current === undefined || term <= current.term)) return current;
    const written = await records.write(next ?? records.draft(sessionId, current, { term }), current, signal);
    if (written !== undefined) return written;
  }
  throw changedAlways(sessionId);
}
