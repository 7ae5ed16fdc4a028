import Type, { type Static } from 'typebox';
import { Text } from './bounds.ts';
import { Timestamp } from './resources.ts';

const closed = { additionalProperties: false } as const;
const Hash = Type.String({ maxLength: 64, pattern: '^[0-9a-f]{64}$', description: 'SHA-256 as 64 hex digits' });

/** What the audit log tells about. */
export const AUDIT_ACTIONS = [
  'session.create',
  'session.rename',
  'session.hibernate',
  'session.wake',
  'session.delete',
  'session.keep-awake',
  'ticket.make',
  'screen.open',
  'screen.close',
  'agent.change',
  'agent.list',
  'agent.enrolment',
  'agent.enrol',
  'agent.rotate',
  'agent.revoke',
  'sign-in',
  'sign-out',
  'user.disable',
  'user.enable',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** `refused`: by a rule of the hub; `failed`: something did not work. */
export const AUDIT_RESULTS = ['ok', 'refused', 'failed'] as const;

/**
 * One entry of the audit log. As text its fields are in this order, and `hash` is the SHA-256 of the text without it: entries are a chain, by
 * `previous`.
 */
export const AuditEntry = Type.Object(
  {
    /** Consecutive, from 1. */
    seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    at: Timestamp,
    /** The user; null: nobody was signed in. */
    actor: Type.Union([Text(256), Type.Null()]),
    /** Whether the user acted as admin on what is not theirs. */
    admin: Type.Boolean(),
    action: Type.Enum([...AUDIT_ACTIONS]),
    /** What it was done to, such as `session/s-1`; null: nothing in particular. */
    subject: Type.Union([Text(320), Type.Null()]),
    /** The user whose it is. */
    owner: Type.Union([Text(256), Type.Null()]),
    result: Type.Enum([...AUDIT_RESULTS]),
    /** The error's code. */
    code: Type.Union([Text(64), Type.Null()]),
    /** Of the client. */
    address: Text(64),
    trace_id: Text(32),
    details: Type.Record(Type.String({ maxLength: 64, pattern: '^[a-z_]{1,64}$' }), Text(256), {
      maxProperties: 8,
      additionalProperties: false,
    }),
    /** `hash` of the entry before; of the first one 64 zeros. */
    previous: Hash,
    hash: Hash,
  },
  closed,
);
export type AuditEntry = Static<typeof AuditEntry>;
