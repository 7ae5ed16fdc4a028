import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import type { Operation } from '../driver.ts';
import { unreadable } from './stored-spec.ts';

/** The common part of every platform's record of a session: the last desired state, and its author. A platform's own record has more. */
export interface SessionRecord {
  readonly id: string;
  /** Undefined: the record names no agent, and counts as every agent's. */
  readonly agent: string | undefined;
  /** The readable part of the spec. Undefined only for a session that was deleted before it was made. */
  readonly spec: SessionSpec | undefined;
  readonly desired: Desired;
  /** The last command that changed the record. */
  readonly commandId: string;
  /** Highest term that has changed the record; 0 if it can't be read. */
  readonly term: number;
  /** For a deleted session: also remove its home, unless another session uses it. */
  readonly deleteHome: boolean;
  /** For a deleted session: everything but the record has been removed. */
  readonly done?: boolean;
  /** The unreadable part of the record: such a session can only be deleted. */
  readonly problem?: string;
  /** `spec` differs from the spec in the record, which can't be read. */
  readonly specLost?: boolean;
  /** The spec has fields that only newer versions know. */
  readonly newer?: boolean;
}

export type Desired = 'running' | 'hibernated' | 'deleted';

/** The record of a session that exists. */
export type Live<R extends SessionRecord> = R & { readonly spec: SessionSpec };

/** A command's change of a record; absent fields stay as they are. */
export interface RecordChange {
  readonly desired?: Desired;
  readonly spec?: SessionSpec;
  readonly deleteHome?: boolean;
  readonly commandId?: string;
  readonly term?: number;
}

/** Throws `superseded` for an operation with a lower term than the last one that changed the session. */
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
