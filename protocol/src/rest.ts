import Type, { type Static } from 'typebox';
import {
  AgentStatus,
  Capacity,
  Election,
  Id,
  Platform,
  Replica,
  SessionIsolation,
  SessionState,
  Term,
  Timestamp,
} from './resources.ts';

/** JSON of the public API under /api/v1: the hub serves it, the console reads it. */
const closed = { additionalProperties: false } as const;
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Agent = Type.Object(
  {
    id: Id,
    platform: Platform,
    region: Type.String(),
    priority: Type.Enum(['high', 'normal', 'low']),
    /** As reported; `offline` while no connection is live or an operator drained it. */
    status: AgentStatus,
    /** An operator took it out of placement (PATCH {status: "offline"}); what runs there goes on. */
    draining: Type.Boolean(),
    connected: Type.Boolean(),
    last_heartbeat: Nullable(Timestamp),
    connected_since: Nullable(Timestamp),
    capacity: Capacity,
    active_sessions: Type.Integer(),
    /** What its live sessions take of the capacity, as placement counts it. */
    used: Type.Object({ cpu: Type.Number(), memory: Type.Number() }, closed),
    /** Name of the replica that holds the connection. */
    leader: Nullable(Type.String()),
    term: Term,
    replicas: Type.Array(Replica),
    election: Nullable(Election),
    build: Type.String(),
    /** What stands between its sessions; absent where the platform always isolates them, and of an older agent. */
    isolation: Type.Optional(SessionIsolation),
  },
  closed,
);
export type Agent = Static<typeof Agent>;

export const Template = Type.Object(
  {
    id: Id,
    name: Type.String(),
    description: Type.String(),
    /** Platforms that can run it. */
    platforms: Type.Array(Platform, { minItems: 1 }),
    image: Type.String(),
    cpu: Type.Number({ minimum: 0 }),
    memory: Type.Number({ minimum: 0 }),
    storage: Type.Number({ minimum: 0 }),
    env: Type.Record(Type.String(), Type.String()),
    /** Of interest to agents on Kubernetes that are given the same file (SESSION_WARM_POOL): pods of it that are kept ready. */
    warm: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  },
  closed,
);
export type Template = Static<typeof Template>;

export const Session = Type.Object(
  {
    id: Id,
    name: Type.String(),
    user: Type.String(),
    template: Id,
    agent: Id,
    platform: Platform,
    region: Type.String(),
    state: SessionState,
    /** In words: why it failed, or what it waits for. */
    reason: Nullable(Type.String()),
    cpu: Type.Number(),
    memory: Type.Number(),
    storage: Type.Number(),
    created_at: Timestamp,
    updated_at: Timestamp,
    /** The command that is changing it now, or changed it last. */
    command: Nullable(Id),
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
    user: Type.String(),
    state: Type.Enum([...COMMAND_STATES]),
    /** Times it was handed to an agent. */
    attempt: Type.Integer({ minimum: 0 }),
    error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), retryable: Type.Boolean() }, closed)),
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    trace_id: Type.String(),
  },
  closed,
);
export type Command = Static<typeof Command>;

/** POST /sessions. `user` is never taken from here: it is the caller. */
export const CreateSession = Type.Object(
  {
    template: Id,
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** Wish for a place: agents of other regions are taken only when none here fits. */
    region: Type.Optional(Type.String({ maxLength: 128 })),
    /** A particular agent, or nothing. */
    agent: Type.Optional(Id),
    cpu: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1024 })),
    memory: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    storage: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  closed,
);
export type CreateSession = Static<typeof CreateSession>;

/** Answer of everything that is carried out by an agent: 202. */
export const Accepted = Type.Object({ session: Session, command: Command }, closed);
export type Accepted = Static<typeof Accepted>;

export const Ticket = Type.Object(
  {
    ticket: Type.String(),
    expires_at: Timestamp,
    /** Path and query for the viewer's WebSocket. */
    url: Type.String(),
  },
  closed,
);
export type Ticket = Static<typeof Ticket>;

/** One entry of the live stream (`GET /events`, server-sent, `event: <type>`) and of an agent's timeline. `id` only grows. */
export const Event = Type.Object(
  {
    id: Type.Integer({ minimum: 1 }),
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
    user: Nullable(Type.String()),
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
export type Event = Static<typeof Event>;

export const ErrorAnswer = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    retryable: Type.Boolean(),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;
