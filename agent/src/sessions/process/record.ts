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

/** A record from its file's text; undefined for what is none. */
export function parseRecord(text: string): SessionRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return record.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
