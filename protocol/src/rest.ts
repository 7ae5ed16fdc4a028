import Type, { type Static } from 'typebox';
import { Bytes, Cores, Count, Entries, Text } from './bounds.ts';
import {
  AgentStatus,
  Election,
  Env,
  Id,
  Platform,
  PLATFORMS,
  ReplicaStatus,
  SessionIsolation,
  SessionState,
  Term,
  Timestamp,
  User,
} from './resources.ts';

/** JSON of the public API under /api/v1: the hub serves it, the console reads it. */
const MIB = 1024 ** 2;
const closed = { additionalProperties: false } as const;
/** Sum over an agent's sessions: of cores, or of bytes. */
const Used = Type.Number({ minimum: 0, maximum: Number.MAX_VALUE });
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** What an agent offers: CPU and memory as Kubernetes writes amounts (thousandths of a core, the greatest binary unit that fits), and as numbers. */
export const OfferedCapacity = Type.Object(
  {
    cpu: Type.String({ maxLength: 16, pattern: '^\\d{1,10}m$', description: 'thousandths of a core, such as 8000m' }),
    cpu_cores: Cores,
    memory: Type.String({ maxLength: 20, pattern: '^\\d{1,16}([KMGT]i)?$', description: 'an amount such as 16Gi' }),
    memory_bytes: Bytes,
    max_sessions: Count(),
  },
  closed,
);
export type OfferedCapacity = Static<typeof OfferedCapacity>;

export const Agent = Type.Object(
  {
    id: Id,
    platform: Platform,
    region: Text(128),
    priority: Type.Enum(['high', 'normal', 'low']),
    /** As reported; `offline` while no connection is live or an operator drained it. */
    status: AgentStatus,
    /** What the agent says of a status that is not `online`; null where it says nothing. */
    status_reason: Nullable(Type.String({ maxLength: 1024 })),
    /** An operator took it out of placement (PATCH {status: "offline"}); what runs there goes on. */
    draining: Type.Boolean(),
    connected: Type.Boolean(),
    last_heartbeat: Nullable(Timestamp),
    connected_since: Nullable(Timestamp),
    capacity: OfferedCapacity,
    active_sessions: Count(),
    /** What its live sessions take of the capacity, as placement counts it. */
    used: Type.Object({ cpu: Used, memory: Used }, closed),
    /** Name of the replica that holds the connection. */
    leader: Nullable(Text(253)),
    term: Term,
    replicas: Type.Array(ReplicaStatus, { maxItems: 64 }),
    election: Nullable(Election),
    build: Text(128),
    /** What stands between its sessions; absent where the platform always isolates them, and of an older agent. */
    isolation: Type.Optional(SessionIsolation),
  },
  closed,
);
export type Agent = Static<typeof Agent>;

export const Template = Type.Object(
  {
    id: Id,
    name: Text(200),
    description: Text(4096),
    /** Platforms that can run it. */
    platforms: Type.Array(Platform, { minItems: 1, maxItems: PLATFORMS.length }),
    image: Text(1024),
    cpu: Cores,
    memory: Bytes,
    storage: Bytes,
    env: Env,
    /** Of interest to agents that are given the same file (SESSION_WARM_POOL): pods or containers of it that are kept ready. */
    warm: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  },
  closed,
);
export type Template = Static<typeof Template>;

export const Session = Type.Object(
  {
    id: Id,
    name: Text(200),
    user: User,
    template: Id,
    agent: Id,
    platform: Platform,
    region: Text(128),
    state: SessionState,
    /** In words: why it failed, or what it waits for. */
    reason: Nullable(Text(4096)),
    cpu: Cores,
    memory: Bytes,
    storage: Bytes,
    created_at: Timestamp,
    updated_at: Timestamp,
    /** The command that is changing it now, or changed it last. */
    command: Nullable(Id),
    /** Nobody uses it: its agent hibernates it then, unless somebody types, moves the mouse or says POST /sessions/:id/stay-awake. Absent or null: not announced. */
    sleeps_at: Type.Optional(Nullable(Timestamp)),
  },
  closed,
);
export type Session = Static<typeof Session>;

export const COMMAND_STATES = ['pending', 'sent', 'ack', 'completed', 'failed'] as const;
export const Command = Type.Object(
  {
    id: Id,
    action: Type.Enum(['create_session', 'delete_session', 'list_sessions', 'hibernate_session', 'wake_session']),
    agent: Id,
    session: Nullable(Id),
    user: User,
    state: Type.Enum([...COMMAND_STATES]),
    /** Times it was handed to an agent. */
    attempt: Count(),
    error: Nullable(Type.Object({ code: Text(64), message: Text(4096), retryable: Type.Boolean() }, closed)),
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    trace_id: Text(32),
  },
  closed,
);
export type Command = Static<typeof Command>;

/** A name that a person gives: it shows as what it is, wherever it stands. Joiners of letters and emoji are part of names. */
const Title = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern:
    '^(?=[^]*[^\\s\\u200B-\\u200D\\uFEFF])[^\\p{Cc}\\p{Cs}\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069]+$',
  description:
    'a text with something to see in it, without control characters, line breaks and signs that turn the direction of writing',
});

/** POST /sessions. `user` is never taken from here: it is the caller. */
export const CreateSession = Type.Object(
  {
    template: Id,
    name: Type.Optional(Title),
    /** Wish for a place: agents of other regions are taken only when none here fits. */
    region: Type.Optional(Text(128)),
    /** A particular agent, or nothing. */
    agent: Type.Optional(Id),
    /** Cores, from a thousandth of one. */
    cpu: Type.Optional(Type.Number({ minimum: 0.001, maximum: 1024 })),
    /** Bytes, from 1 MiB to 64 TiB. */
    memory: Type.Optional(Type.Integer({ minimum: MIB, maximum: 64 * MIB * MIB })),
    /** Bytes, from 1 MiB to 1 PiB. */
    storage: Type.Optional(Type.Integer({ minimum: MIB, maximum: 1024 * MIB * MIB })),
  },
  closed,
);
export type CreateSession = Static<typeof CreateSession>;

/** PATCH /sessions/:id. */
export const ChangeSession = Type.Object({ name: Title }, closed);
export type ChangeSession = Static<typeof ChangeSession>;

/** Answer of everything that is carried out by an agent: 202. */
export const Accepted = Type.Object({ session: Session, command: Command }, closed);
export type Accepted = Static<typeof Accepted>;

export const Ticket = Type.Object(
  {
    ticket: Text(256),
    expires_at: Timestamp,
    /** Path and query for the viewer's WebSocket, with the path of PUBLIC_URL. */
    url: Text(512),
  },
  closed,
);
export type Ticket = Static<typeof Ticket>;

/** One entry of the live stream (`GET /events`, server-sent, `event: <type>`) and of an agent's timeline. `id` only grows. */
export const Event = Type.Object(
  {
    id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    at: Timestamp,
    type: Type.Enum([
      'agent.registered', // data: Agent + {connection_id}
      'agent.refused', // data: {replica, term, code, message}
      'agent.disconnected', // data: {reason}
      'agent.updated', // data: Agent
      'session.updated', // data: Session
      'session.gone', // data: Session
      'command.updated', // data: Command
    ]),
    agent: Nullable(Id),
    session: Nullable(Id),
    user: Nullable(User),
    data: Entries(Type.Unknown(), 64, 64),
  },
  closed,
);
export type Event = Static<typeof Event>;

export const ErrorAnswer = Type.Object(
  {
    error: Type.Object(
      {
        code: Text(64),
        message: Text(16_384),
        retryable: Type.Boolean(),
        details: Type.Optional(Entries(Type.Unknown(), 32, 64)),
      },
      closed,
    ),
  },
  closed,
);
export type ErrorAnswer = Static<typeof ErrorAnswer>;
