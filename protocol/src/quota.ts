import Type, { type Static } from 'typebox';
import { Bytes, Cores, Count, Text } from './bounds.ts';
import { User } from './resources.ts';

const closed = { additionalProperties: false } as const;

/** Limits of the sessions of one user: SPEC.md [QUO1]. A limit that is left out is the next more general entry's. */
const LIMITED = {
  /** Sessions that exist, hibernated and failed ones included. */
  sessions: Type.Optional(Count()),
  /** Sessions that are neither hibernated nor failed. */
  running: Type.Optional(Count()),
  /** Cores of those. */
  cpu: Type.Optional(Cores),
  /** Bytes of memory of those. */
  memory: Type.Optional(Bytes),
  /** Bytes of storage of all sessions. */
  storage: Type.Optional(Bytes),
} as const;

/** One entry of QUOTAS_FILE: the limits of a user, of each member of a group, or (with neither) of everybody. */
export const QuotaEntry = Type.Object(
  { user: Type.Optional(User), group: Type.Optional(Text(256, 1)), ...LIMITED },
  closed,
);
export type QuotaEntry = Static<typeof QuotaEntry>;

/** What sessions count as, and the limits of them. */
export const QUOTA_KINDS = ['sessions', 'running', 'cpu', 'memory', 'storage'] as const;
export type QuotaKind = (typeof QUOTA_KINDS)[number];

/** GET /quota: the limits that apply to the caller, and what their sessions use; a limit that is absent is none. */
export const Quota = Type.Object(
  {
    limits: Type.Object(LIMITED, closed),
    used: Type.Object({ sessions: Count(), running: Count(), cpu: Cores, memory: Bytes, storage: Bytes }, closed),
  },
  closed,
);
export type Quota = Static<typeof Quota>;
