import { Id, SessionSpec, Term, Timestamp } from '@streamspace/protocol';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** What is known of a session for good: who wanted what, last. A deleted one stays for a while, to refuse what a superseded leader still wants. */
export const SessionRecord = Type.Object(
  {
    id: Id,
    agent: Type.String(),
    /** Absent only in a session that was deleted before it was ever made. */
    spec: Type.Optional(SessionSpec),
    /** The command that wrote this. */
    command_id: Type.String(),
    /** Highest term that has changed the session. */
    term: Term,
    desired: Type.Enum(['running', 'hibernated', 'deleted']),
    /** Number of the start that `desired: running` means; grows with each. */
    instance: Type.Integer({ minimum: 0 }),
    /** A deleted session: all of it has been removed. */
    done: Type.Boolean(),
    at: Timestamp,
  },
  { additionalProperties: false },
);
export type SessionRecord = Static<typeof SessionRecord>;

const record = Compile(SessionRecord);

/** A record from its file's text, with the writes that led to it, the last first; undefined for what is none. */
export function parseRecord(text: string): { record: SessionRecord; writes: string[] } | undefined {
  try {
    const { writes = [], ...value } = JSON.parse(text) as Record<string, unknown>;
    return record.Check(value) && Array.isArray(writes) ? { record: value, writes: writes as string[] } : undefined;
  } catch {
    return undefined;
  }
}
