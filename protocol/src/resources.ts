import Type, { type Static } from 'typebox';
import { Bytes, Cores, Count, Entries, Text } from './bounds.ts';

/**
 * Things both ends talk about. JSON field names are snake_case everywhere (wire, REST, records), as the public API has them.
 * Times are RFC 3339 strings in UTC; memory and storage are bytes; cpu is cores.
 */
export const Id = Type.String({
  maxLength: 63,
  pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  description: 'DNS label: lower case letters, digits and dashes, at most 63',
});
export const Timestamp = Type.String({
  maxLength: 30,
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$',
  description: 'RFC 3339 in UTC, at most nine digits after the second',
});
/** The greatest term there is: `MAX_TERM` of the elector, which knows no hub (a test of the agent holds the two equal). */
export const MAX_TERM = Number.MAX_SAFE_INTEGER - 1;
export const Term = Type.Integer({ minimum: 0, maximum: MAX_TERM });

export const PLATFORMS = ['kubernetes', 'docker', 'vm', 'cloud', 'process'] as const;
export const Platform = Type.Enum([...PLATFORMS]);
export type Platform = (typeof PLATFORMS)[number];

export const AGENT_STATUSES = ['online', 'offline', 'warning', 'error'] as const;
export const AgentStatus = Type.Enum([...AGENT_STATUSES]);
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/**
 * What stands between the sessions of one agent: `isolated`, namespaces of their own; `one_user`, nothing, so that only one user may have
 * sessions; `refused`, nothing, so that nobody may; `shared`, nothing, and the operator wants it so. Only of platforms where that differs.
 */
export const SESSION_ISOLATIONS = ['isolated', 'one_user', 'refused', 'shared'] as const;
export const SessionIsolation = Type.Enum([...SESSION_ISOLATIONS]);
export type SessionIsolation = (typeof SESSION_ISOLATIONS)[number];

export const Capacity = Type.Object(
  { cpu: Cores, memory: Bytes, max_sessions: Count() },
  { additionalProperties: false },
);
export type Capacity = Static<typeof Capacity>;

/** States of a session as users see them. `gone` is final. */
export const SESSION_STATES = [
  'pending',
  'starting',
  'running',
  'hibernating',
  'hibernated',
  'waking',
  'deleting',
  'gone',
  'failed',
] as const;
export const SessionState = Type.Enum([...SESSION_STATES]);
export type SessionState = (typeof SESSION_STATES)[number];

/** Whose a session is: `sub` of the token. */
export const User = Text(256, 1);
/** HMAC-SHA256 in base64url. */
export const Proof = Type.String({ maxLength: 43, pattern: '^[A-Za-z0-9_-]{43}$' });
/** Environment of a session. */
export const Env = Entries(Text(32_768), 1_024, 256);

/** What an agent needs to know to make a session; enough for a hub that lost its store to learn it again. */
export const SessionSpec = Type.Object(
  {
    id: Id,
    user: User,
    template: Id,
    /** Title that the user gave it. */
    name: Text(200),
    cpu: Cores,
    memory: Bytes,
    storage: Bytes,
    /** Program or image to run, as the template says; empty for the platform's default desktop. */
    image: Text(1024),
    env: Env,
    created_at: Timestamp,
    /** The hub's, that it made this session: the agent keeps it and says it again [SES6]; since version 3. */
    proof: Type.Optional(Proof),
  },
  { additionalProperties: false },
);
export type SessionSpec = Static<typeof SessionSpec>;

/** What the platform says of a session right now. */
export const SessionStatus = Type.Object(
  {
    spec: SessionSpec,
    state: Type.Enum(['starting', 'running', 'hibernated', 'failed']),
    /** In words, for the user: why it failed, or what it waits for. */
    reason: Type.Optional(Text(4096)),
  },
  { additionalProperties: false },
);
export type SessionStatus = Static<typeof SessionStatus>;

/** The spec as users and older versions know it: two that differ in their proofs alone are the same session. */
export function withoutProof({ proof: _proof, ...spec }: SessionSpec): SessionSpec {
  return spec;
}

/** One of the replicas that stand for the same agent id. */
export const ReplicaStatus = Type.Object(
  { name: Text(253), role: Type.Enum(['leader', 'standby']), since: Timestamp },
  { additionalProperties: false },
);
export type ReplicaStatus = Static<typeof ReplicaStatus>;

/** How the connecting replica came to lead; absent where HA is off. */
export const Election = Type.Object(
  {
    term: Term,
    /** Why the lease was free. */
    reason: Type.Enum(['created', 'released', 'expired', 'deleted', 'holder_gone', 'adopted']),
    previous_holder: Text(253),
    elected_at: Timestamp,
    /** From the first sign that the lease was free to holding it, milliseconds. */
    election_ms: Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);
export type Election = Static<typeof Election>;
