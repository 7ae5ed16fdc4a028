import type { StreamSpaceError } from '@streamspace/protocol';
import type { Operation } from '../driver.ts';
import { checkReadable, fence, isOwn, type RecordChange, type SessionRecord } from './record.ts';
import { changedAlways, notFound } from './refusals.ts';

/**
 * Where a platform keeps its sessions' records, so that all replicas of the agent see the same.
 * `Stored`: a record with its version, as it was read. `Draft`: one as it is to be written.
 */
export interface RecordStore<Stored extends SessionRecord, Draft> {
  /** A write of a session's first record is refused where there is one already, whatever it is: a create need not read before. */
  readonly exclusive: boolean;
  /** A deleted session's record stays for a while, also that of one that was never there: it refuses what a superseded leader still wants. */
  readonly tombstones: boolean;

  /** As it is now, whoever's it is and whether it can be read or not; undefined: there is none. */
  read(sessionId: string, signal: AbortSignal): Promise<Stored | undefined>;

  /** All of this agent's. */
  list(signal: AbortSignal): Promise<Stored[]>;

  /** The record as the change makes it, of a new session where there is no `current`. What newer versions wrote into it stays. */
  draft(sessionId: string, current: Stored | undefined, change: RecordChange): Draft;

  /** Compare-and-set: undefined, and nothing changed, when the record is not at `expected` any more; without it: when there is one. */
  write(next: Draft, expected: Stored | undefined, signal: AbortSignal): Promise<Stored | undefined>;

  /** Nothing of the session is left but its record: removes that, or says so in it, unless somebody has changed it since. */
  remove(record: Stored, signal: AbortSignal): Promise<void>;
}

/** Writers of one record are few: more conflicts in a row than this are a fault. */
const TRIES = 100;

export interface ChangeOptions {
  readonly agentId: string;
  /** Also a record that can't be read. */
  readonly anyway?: boolean;
  /** As if there were none: a create mostly finds none. */
  readonly blind?: boolean;
  /** What is thrown where the record is another agent's; `not_found` by default. */
  readonly another?: StreamSpaceError;
}

/**
 * Changes a record in the operation's name. `decide` gets the current one and says what it becomes, again when somebody else was first; undefined:
 * nothing but the term. Returns what is then valid; undefined: there is none. Throws `superseded`, what `decide` throws, and `driver_failed` for a
 * record that can't be read.
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
    // a command that came later may have made it pointless
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
