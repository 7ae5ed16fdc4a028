import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import type { Operation } from '../driver.ts';
import { unreadable } from './stored-spec.ts';

/** What every platform's record says of a session: who wanted what, last. A platform's own says more. */
export interface SessionRecord {
  readonly id: string;
  /** Undefined: it does not say whose it is, and counts as everybody's. */
  readonly agent: string | undefined;
  /** As far as it can be read. Undefined only in a session that was deleted before it was ever made. */
  readonly spec: SessionSpec | undefined;
  readonly desired: Desired;
  /** The command that changed it last. */
  readonly commandId: string;
  /** Highest term that has changed it; 0 where that can't be read. */
  readonly term: number;
  /** A deleted session: its home goes too, if nobody else has it. */
  readonly deleteHome: boolean;
  /** A deleted session: all of it has been removed, only the record is left. */
  readonly done?: boolean;
  /** What of it can't be read: all that can be done with the session is to delete it. */
  readonly problem?: string;
  /** The spec is not what the record has: that can't be read. */
  readonly specLost?: boolean;
  /** Its spec has fields that only newer versions know. */
  readonly newer?: boolean;
}

export type Desired = 'running' | 'hibernated' | 'deleted';

/** The record of a session that exists. */
export type Live<R extends SessionRecord> = R & { readonly spec: SessionSpec };

/** What a command makes of a record; what is not named stays. */
export interface RecordChange {
  readonly desired?: Desired;
  readonly spec?: SessionSpec;
  readonly deleteHome?: boolean;
  readonly commandId?: string;
  readonly term?: number;
}

/** Throws `superseded` for an operation of a lower term than one that has changed the session. */
export function fence({ id, term: last }: Pick<SessionRecord, 'id' | 'term'>, { term }: Operation): void {
  if (term >= last) return;
  throw new StreamSpaceError(
    'superseded',
    `Session ${id} has been changed under term ${last}, this command is of term ${term}`,
    { term: last },
  );
}

/** Throws `driver_failed` for a record that can't be read. */
export function checkReadable({ id, problem }: Pick<SessionRecord, 'id' | 'problem'>): void {
  if (problem !== undefined) throw unreadable(id, problem);
}

export const isOwn = ({ agent }: Pick<SessionRecord, 'agent'>, agentId: string): boolean =>
  agent === undefined || agent === agentId;

export const isLive = <R extends SessionRecord>(record: R): record is Live<R> =>
  record.desired !== 'deleted' && record.spec !== undefined;
