import Type, { type Static, type TSchema } from 'typebox';
import { Count, Entries, Milliseconds, OPEN, Text } from './bounds.ts';
import { ERROR_CODES } from './errors.ts';
import { LIMITS } from './limits.ts';
import {
  AgentStatus,
  Capacity,
  Election,
  Id,
  Platform,
  Proof,
  ReplicaStatus,
  SessionIsolation,
  SessionSpec,
  SessionStatus,
  Term,
} from './resources.ts';

// Unknown fields are ignored on the wire ([WIRE3]: a newer end may send more), so message objects stay open; not for any number.
const message = <K extends string, P extends Record<string, TSchema>>(type: K, properties: P) =>
  Type.Object({ type: Type.Literal(type), ...properties }, OPEN);

export const WireError = Type.Object(
  {
    code: Type.Enum([...ERROR_CODES]),
    message: Text(4096),
    retryable: Type.Boolean(),
    /** Looked at, never kept: a control message bounds it. */
    details: Type.Optional(Entries(Type.Unknown(), 32, 64)),
  },
  OPEN,
);

const StreamId = Type.Integer({ minimum: 1, maximum: 0xffffffff });
const Credit = Type.Integer({ minimum: 0, maximum: 0xffffffff });
const CommandId = Id;
const Attempt = Count(1);
const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const ReplicaName = Text(253, 1);
const Version = Type.Integer({ minimum: 1, maximum: 65_535 });
const Sessions = Type.Array(SessionStatus, { maxItems: LIMITS.reportedSessions });

export const ACTIONS = [
  'create_session',
  'delete_session',
  'list_sessions',
  'hibernate_session',
  'wake_session',
] as const;
export type Action = (typeof ACTIONS)[number];

/** Agent → hub. */
export const AgentMessages = {
  /** First message on a link [CON2]. `term` 0: HA is off, the hub assigns one. */
  hello: message('hello', {
    versions: Type.Array(Version, { minItems: 1, maxItems: 16 }),
    agent_id: Id,
    replica: ReplicaName,
    term: Term,
    platform: Platform,
    region: Text(128),
    priority: Type.Enum(['high', 'normal', 'low']),
    capacity: Capacity,
    build: Text(128),
    election: Type.Optional(Election),
  }),
  heartbeat: message('heartbeat', {
    seq: Seq,
    status: AgentStatus,
    /** Why it is not `online`, for an operator; since version 3. */
    status_reason: Type.Optional(Type.String({ maxLength: 1024 })),
    capacity: Capacity,
    active_sessions: Count(),
    replicas: Type.Array(ReplicaStatus, { maxItems: 64 }),
    /** Since version 2. */
    isolation: Type.Optional(SessionIsolation),
  }),
  /** Everything the platform runs for this agent, in pages: `more` but on the last one. After `welcome`, and for a long `list_sessions` [SES3]. */
  sessions: message('sessions', {
    sessions: Sessions,
    more: Type.Optional(Type.Boolean()),
  }),
  /** A session changed by itself, or on the way of a command. */
  session_state: message('session_state', { session: SessionStatus }),
  /** The session is not there any more (and no command of the hub's removed it). */
  session_gone: message('session_gone', { session_id: Id, reason: Text(4096) }),
  /** Nobody uses it: the agent hibernates it in so long, unless somebody does; without a time: not any more [SES10]. Since version 3. */
  session_idle: message('session_idle', { session_id: Id, sleeps_in_ms: Type.Optional(Milliseconds()) }),
  /** The answer to `take_picture`: a PNG file in base64, or why there is none [PIC1]. Since version 3. */
  picture: message('picture', {
    request_id: Id,
    png: Type.Optional(
      Type.String({ maxLength: 4 * Math.ceil(LIMITS.picture / 3), pattern: '^[A-Za-z0-9+/]*={0,2}$' }),
    ),
    error: Type.Optional(WireError),
  }),
  ack: message('ack', { command_id: CommandId, attempt: Attempt }),
  result: message('result', {
    command_id: CommandId,
    attempt: Attempt,
    error: Type.Optional(WireError),
    session: Type.Optional(SessionStatus),
    sessions: Type.Optional(Sessions),
  }),
  vnc_connected: message('vnc_connected', { stream_id: StreamId, credit: Credit }),
  vnc_disconnect: message('vnc_disconnect', { stream_id: StreamId, error: Type.Optional(WireError) }),
  credential_stored: message('credential_stored', { rotation_id: Id }),
  /** The agent leaves of its own will [CON7]: the hub forgets the connection at once. */
  goodbye: message('goodbye', { reason: Text(1024) }),
};

/** Hub → agent. */
export const HubMessages = {
  welcome: message('welcome', {
    version: Version,
    connection_id: Text(64, 1),
    /** The term under which the hub accepted the connection [TERM2]. */
    term: Term,
    heartbeat_ms: Milliseconds(100),
    /** How often the hub pings at least: an agent that hears nothing for two of them knows that its hub has gone [WIRE6]. */
    ping_ms: Type.Optional(Milliseconds(100)),
  }),
  /** The hub will not have this connection; it closes right after. `term`: the hub's, so that the claimant can catch up [TERM3]. */
  refuse: message('refuse', {
    error: WireError,
    remedy: Text(1024),
    term: Type.Optional(Term),
    retry_after_ms: Type.Optional(Milliseconds()),
  }),
  heartbeat_ack: message('heartbeat_ack', { seq: Seq }),
  command: message('command', {
    id: CommandId,
    attempt: Attempt,
    action: Type.Enum([...ACTIONS]),
    session_id: Type.Optional(Id),
    /** For `create_session`. */
    spec: Type.Optional(SessionSpec),
    /** For `delete_session`: the user's home goes too. */
    delete_home: Type.Optional(Type.Boolean()),
    /** W3C trace id (32 hex digits) of the REST call. */
    trace_id: Type.Optional(Type.String({ maxLength: 32, pattern: '^[0-9a-f]{32}$' })),
  }),
  /** Keep this with the session's spec, in the place of what is there [SES6]; since version 3. */
  session_proof: message('session_proof', { session_id: Id, proof: Proof }),
  /** A small picture of what the session shows now, answered by `picture` [PIC1]. Since version 3. */
  take_picture: message('take_picture', { request_id: Id, session_id: Id }),
  /** Somebody wants it to stay awake: counts as input [SES10]. Since version 3. */
  session_used: message('session_used', { session_id: Id }),
  vnc_connect: message('vnc_connect', { stream_id: StreamId, session_id: Id, credit: Credit }),
  vnc_disconnect: message('vnc_disconnect', { stream_id: StreamId, error: Type.Optional(WireError) }),
  /** Store this credential and answer `credential_stored`; the old one stays valid until then [AUTH5]. */
  credential: message('credential', { rotation_id: Id, token: Text(512, 16) }),
  /** Connect again, elsewhere if you can, and then leave this connection (make before break) [CON8]. */
  go_away: message('go_away', {
    reason: Text(1024),
    reconnect_after_ms: Milliseconds(),
  }),
};

type Of<T extends Record<string, TSchema>> = { [K in keyof T]: Static<T[K]> }[keyof T];
export type AgentMessage = Of<typeof AgentMessages>;
export type HubMessage = Of<typeof HubMessages>;
export type AgentMessageOf<K extends keyof typeof AgentMessages> = Static<(typeof AgentMessages)[K]>;
export type HubMessageOf<K extends keyof typeof HubMessages> = Static<(typeof HubMessages)[K]>;
