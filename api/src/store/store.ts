import type {
  Agent,
  Capacity,
  AgentMessageOf,
  Command,
  Event,
  Session,
  SessionSpec,
  SessionState,
  Template,
} from '@streamspace/protocol';
import type { QuotaUse } from '../quotas/count.ts';
import type { QuotaLimits } from '../quotas/quotas.ts';

/**
 * The hub's state. One contract suite (test/contract/store.ts) for every implementation; each method is one atomic step
 * that is durable when it resolves, so that a second hub replica on the same store sees it. Rejects with `store_unavailable`.
 * Times are the caller's, in RFC 3339; the store has its own clock only for the expiry of tickets.
 */
export interface Store {
  readonly agents: AgentStore;
  readonly credentials: CredentialStore;
  readonly sessions: SessionStore;
  readonly commands: CommandStore;
  readonly tickets: TicketStore;
  readonly signIns: SignInStore;
  readonly disabledUsers: DisabledUserStore;
  readonly audit: AuditStore;
  readonly events: EventStore;
  readonly templates: TemplateStore;
  readonly signals: SignalStore;
  /** Rejects if the store is unavailable now. For GET /health. */
  ping(signal: AbortSignal): Promise<void>;
  /**
   * Calls back whenever the store may have silently lost its last writes: after a short outage, or when another of its servers
   * has taken over. Until the signal aborts.
   */
  onReturn(callback: () => void, signal: AbortSignal): void;
  close(): Promise<void>;
}

export interface Claim {
  agentId: string;
  /** 0: HA is off, and the store assigns the next term if `takeover` is set or no replica is connected. */
  term: number;
  replica: string;
  connectionId: string;
  /** The hub replica that holds the connection. */
  hub: string;
  /**
   * For term 0: the holder did not answer a ping, so it may be replaced. A connection id: only if that one still holds it, so
   * that of two newcomers after the same dead holder one wins.
   */
  takeover: boolean | string;
  hello: AgentMessageOf<'hello'>;
  at: string;
}

export type ClaimResult =
  | {
      accepted: true;
      term: number;
      /** The connection that this one replaces, and its hub replica. */ previous?: {
        connectionId: string;
        hub: string;
      };
    }
  | {
      accepted: false;
      /** The store's term: the claimant's next one must be greater. */ term: number;
      replica: string;
      connectionId?: string;
      code: 'stale_term' | 'duplicate_agent';
    };

/** An agent as stored: the public one, and the connection that may act for it. `active_sessions` and
 * `used` count live sessions in the store: all states except `hibernated`, `failed` and `gone`. */
export interface AgentRecord extends Omit<Agent, 'capacity'> {
  /** As the agent reports it. */
  capacity: Capacity;
  connection_id: string | null;
  hub: string | null;
  /** Time of its last disconnection, if it may return; null (or missing, from an older hub) if unknown, or it can't. */
  away_since?: string | null;
}

export interface AgentStore {
  /**
   * The fence (I1): accepted when the term is greater than the last accepted one, or equal and from the same replica. Compare-and-set.
   * The last accepted term outlives the connection and never decreases.
   */
  claim(claim: Claim): Promise<ClaimResult>;
  /**
   * Marks it disconnected only if `connectionId` still holds it (failure 7); false otherwise. `awaySince`: null for an agent that is not
   * expected to return by itself.
   */
  release(agentId: string, connectionId: string, awaySince: string | null): Promise<boolean>;
  /** Stores a heartbeat; false when the connection was superseded. */
  heartbeat(agentId: string, connectionId: string, beat: AgentMessageOf<'heartbeat'>, at: string): Promise<boolean>;
  setDraining(agentId: string, draining: boolean): Promise<AgentRecord | undefined>;
  get(agentId: string): Promise<AgentRecord | undefined>;
  list(): Promise<AgentRecord[]>;
}

/** Most credentials of an agent's replicas: a replica that is gone does not return its credential. */
export const CREDENTIALS = 8;

/** Secrets are stored as SHA-256 (hex) of the token; the tokens themselves have ≥ 256 random bits. */
export interface CredentialStore {
  /** An enrolment token: for one agent id, or for any new one (`null`); usable until `expiresAt`, `uses` times. */
  putEnrolment(hash: string, enrolment: { agentId: string | null; expiresAt: string; uses: number }): Promise<void>;
  /** Whether it exists and is usable at `at`, for any agent. */
  hasEnrolment(hash: string, at: string): Promise<boolean>;
  /**
   * Uses it once, atomically; undefined (and not used) when unknown, spent, expired at `at`, for another agent, or for any new agent
   * and this one has or had a credential.
   */
  takeEnrolment(
    hash: string,
    agentId: string,
    at: string,
  ): Promise<{ /** It was for any new agent: use `setNew`. */ any: boolean } | undefined>;
  /** Valid hashes for an agent: the one that was set last, during a rotation the next one, and those of its other replicas (newest first). */
  get(
    agentId: string,
  ): Promise<{ current: string; next?: { hash: string; rotationId: string }; others: readonly string[] } | undefined>;
  /**
   * Replaces everything for the agent (enrolment for exactly this id); with the name of a `replica` only what that one had, and a rotation
   * goes on. Beyond {@link CREDENTIALS} the least recently set or {@link used} one is dropped.
   */
  set(agentId: string, hash: string, replica?: string): Promise<void>;
  /** `set` for an agent that never had a credential, revoked ones included; false otherwise, and nothing changes. Compare-and-set. */
  setNew(agentId: string, hash: string): Promise<boolean>;
  /** The credential is in use: it counts as the newest. No effect if it is none of the agent's. */
  used(agentId: string, hash: string): Promise<void>;
  /** Begins a rotation: both are valid until `finishRotation`. An unfinished rotation is dropped. No effect without a current credential. */
  beginRotation(agentId: string, next: { hash: string; rotationId: string }): Promise<void>;
  /** `next` becomes the only one, also of those of other replicas. Its hash; undefined if that rotation is not in progress. */
  finishRotation(agentId: string, rotationId: string): Promise<string | undefined>;
  revoke(agentId: string): Promise<void>;
}

/** The room that placement reserved: the store checks it again, atomically, when the session is made. */
export interface Reservation {
  maxSessions: number;
  cpu: number;
  memory: number;
}

export interface SessionStore {
  /**
   * Session and its `create_session` command in one step, if the agent isn't drained and its live sessions still leave room;
   * `at_capacity` otherwise. Rejects with `quota_exceeded` if the user's sessions leave no room for it within their `quota`.
   * With a known idempotency key (same user) it makes nothing and returns the earlier pair.
   */
  create(
    session: Session,
    command: CommandRecord,
    reservation: Reservation,
    idempotencyKey?: string,
    quota?: QuotaCheck,
  ): Promise<{ created: boolean; session: Session; command: CommandRecord } | 'at_capacity'>;
  /** The result of `create` with that user's key; undefined if none is kept. */
  created(user: string, idempotencyKey: string): Promise<{ session: Session; command: CommandRecord } | undefined>;
  /** Changes fields if the session's `updated_at` is still `expected` (without a check if undefined); undefined on a miss or conflict. */
  update(id: string, patch: Partial<Session>, expected?: string): Promise<Session | undefined>;
  /** Learns a session from an agent's report; an existing one is returned unchanged. */
  adopt(session: Session): Promise<Session>;
  remove(id: string): Promise<void>;
  get(id: string): Promise<Session | undefined>;
  list(filter: { user?: string; agent?: string }): Promise<Session[]>;
}

/** A command as stored: the public one plus the fields for its delivery. */
export interface CommandRecord extends Command {
  /** The `command` message's fields beyond id, attempt and action. */
  payload: { spec?: SessionSpec; delete_home?: boolean };
  /** Connection that has the current attempt. */
  connection_id: string | null;
  /** The session's previous state, restored by a refusal. */
  former?: SessionState;
}

/** Whether it is over: such states never change [CMD1]. */
export const isFinal = ({ state }: Pick<Command, 'state'>): boolean => state === 'completed' || state === 'failed';

/** What the step that makes or wakes a session checks [QUO2]. */
export interface QuotaCheck {
  /** The session's user. */
  readonly user: string;
  readonly limits: QuotaLimits;
  readonly added: QuotaUse;
}

/** A session's change together with a new command. */
export interface SessionChange {
  id: string;
  patch: Partial<Session>;
  from?: Pick<Session, 'state' | 'command'>;
  /** For a session that becomes live again: the required room. */
  reservation?: Reservation;
  /** For a session that becomes live again. */
  quota?: QuotaCheck;
}

export interface CommandStore {
  /**
   * Durable when it resolves (I4). At the tail of the agent's queue. With `change`, the session changes in the same step:
   * `conflict` (and nothing is stored) if it does not exist or is no longer in a `from` state, `at_capacity` if the agent's live
   * sessions leave no room for it. Rejects with `quota_exceeded` (and nothing is stored) if the session's user has none left.
   */
  append(command: CommandRecord, change?: SessionChange): Promise<'appended' | 'conflict' | 'at_capacity'>;
  /** `lasting`: only a state that survives a failover of the store; rejects while there is none. */
  get(id: string, lasting?: 'lasting'): Promise<CommandRecord | undefined>;
  /** Commands of the agent that are not final, oldest first. */
  open(agentId: string): Promise<CommandRecord[]>;
  /**
   * A page of `open`: at most `limit` commands behind the place `after` (0: from the beginning), and the place of the last of them (`after`
   * when there is none). A later command has a greater place, as long as the store loses nothing. `lasting`: as with `get`.
   */
  next(
    agentId: string,
    after: number,
    limit: number,
    lasting?: 'lasting',
  ): Promise<{ commands: CommandRecord[]; last: number }>;
  /** `sent` with the next attempt number, if the command is not final and the connection still holds the agent; undefined otherwise. */
  markSent(id: string, connectionId: string, at: string): Promise<CommandRecord | undefined>;
  /** `ack` if that attempt is the current one, sent on that connection, which still holds the agent, and the command is in `sent`; undefined otherwise. */
  markAck(id: string, attempt: number, connectionId: string, at: string): Promise<CommandRecord | undefined>;
  /**
   * Final state if not final already and the attempt is the current one on that connection, which still holds
   * the agent (`null`: without this check, for expiry). In the
   * same step the session changes, if it isn't `gone` and this command is still its latest (`Session.command`): a `delete` that was accepted
   * meanwhile is not undone by the end of a `create`. Returns the session, as it is then, only if it was changed; `settled`: whether the end
   * already survives a failover of the store; the method does not wait for that.
   */
  finish(
    id: string,
    attempt: { number: number; connectionId: string } | null,
    outcome: { state: 'completed' } | { state: 'failed'; error: NonNullable<Command['error']> },
    at: string,
    sessionPatch?: Partial<Session>,
  ): Promise<{ command: CommandRecord; session?: Session; settled: boolean } | undefined>;
}

export interface TicketRecord {
  session: string;
  user: string;
  /**
   * Expiry of the token or sign-in that made the ticket, milliseconds since 1970. Missing in tickets of earlier hub versions, which live for a
   * minute.
   */
  expires?: number;
  /** The sign-in that made the ticket: the screen lasts as long as it does, beyond `expires`. */
  signIn?: SignInKey;
}

export interface TicketStore {
  /** `ttlMs` ≤ 60,000. */
  put(hash: string, ticket: TicketRecord, ttlMs: number): Promise<void>;
  /** Removes and returns it: a second call gets nothing. */
  take(hash: string): Promise<TicketRecord | undefined>;
}

/** What the hub remembers of a sign-in from the user's way to a provider until they are back. */
export interface PendingSignIn {
  provider: string;
  /** Of PKCE. */
  verifier: string;
  nonce: string;
  /** SHA-256 (hex) of the cookie of the browser that began. */
  browser: string;
  /** Path of the page to return to. */
  returnTo: string;
}

export interface SignInKey {
  /** The user, as 32 hex digits: `ownerOf`. */
  owner: string;
  /** SHA-256 (hex) of the secret in the browser's cookie. */
  hash: string;
}

/** A user's sign-in in one browser. Times in milliseconds since 1970. */
export interface SignInRecord {
  user: string;
  provider: string;
  name: string;
  groups: string[];
  admin: boolean;
  createdAt: number;
  seenAt: number;
  /** At the latest. */
  ends: number;
  /** Without further use. */
  expires: number;
  /** Until when the provider's last answer counts; null: to the end, as the provider gave no refresh token. */
  freshUntil: number | null;
  /** The provider's tokens, sealed with the secret in the cookie, which the store does not have. */
  tokens: string;
  address: string;
  browser: string;
}

/** Most sign-ins of a user; a further one ends the oldest. */
export const SIGN_INS = 50;

export interface SignInStore {
  /** `state`: SHA-256 (hex) of the random value that the provider sends back. */
  begin(state: string, pending: PendingSignIn, ttlMs: number): Promise<void>;
  /** Removes and returns it: a second call gets nothing. */
  take(state: string): Promise<PendingSignIn | undefined>;
  /** Adds a sign-in; drops the user's expired ones at `createdAt`, and the oldest beyond {@link SIGN_INS}. */
  put(key: SignInKey, record: SignInRecord): Promise<void>;
  /** Also an expired one. */
  get(key: SignInKey): Promise<SignInRecord | undefined>;
  /** Compare-and-set; false if it is not `expected` (any more). */
  replace(key: SignInKey, expected: SignInRecord, next: SignInRecord): Promise<boolean>;
  /** All of a user, expired ones too, in no order. */
  list(owner: string): Promise<{ hash: string; record: SignInRecord }[]>;
  /** Durable when it resolves: no failover brings a sign-in back. Without hashes: all of that user. */
  remove(owner: string, hashes?: readonly string[]): Promise<void>;
  /** True for one caller within `ttlMs`: it may use the refresh token, which is often good for one use. */
  claimRefresh(key: SignInKey, ttlMs: number): Promise<boolean>;
}

/** A user whom an admin has disabled. */
export interface DisabledUser {
  user: string;
  /** Milliseconds since 1970. */
  at: number;
  /** The admin. */
  by: string;
}

/** Most disabled users. */
export const DISABLED_USERS = 10_000;

export interface DisabledUserStore {
  /** Durable when it resolves; false, and nothing changes, beyond {@link DISABLED_USERS}. */
  put(disabled: DisabledUser): Promise<boolean>;
  /** Durable when it resolves. */
  remove(user: string): Promise<void>;
  /** Another one after each change. */
  version(): Promise<string>;
  /** All, in no order, with the version that they are of. */
  list(): Promise<{ version: string; users: DisabledUser[] }>;
}

/** The newest entry of the audit log; `seq` 0 where there was none. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** An entry as its text, the form that its hash is of. */
export interface AuditLine {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly hash: string;
  readonly text: string;
}

/** Append-only: entries go by age and number alone, the oldest first. */
export interface AuditStore {
  head(): Promise<AuditHead>;
  /**
   * Adds entries, the first of which follows `expected`, and durably so; returns undefined. If `expected` is no longer the newest, adds nothing and returns the
   * newest. Drops entries of times before `since` (some at a time), and those beyond `most`.
   */
  append(
    expected: AuditHead,
    entries: readonly AuditLine[],
    kept: { readonly since: number; readonly most: number },
  ): Promise<AuditHead | undefined>;
  /** Texts of entries before `before` (none: up to the newest), newest first, at most `limit`. */
  read(before: number | undefined, limit: number): Promise<string[]>;
}

export interface EventStore {
  /**
   * Gives the event the next id and keeps a history (per agent for agent events) that is bounded in number and in bytes: {@link KEPT_EVENTS}. Ids are consecutive, so that a reader
   * sees a gap; a reset store begins far above its earlier ids.
   */
  append(event: Omit<Event, 'id'>): Promise<Event>;
  /** Kept events after `id`, oldest first; of more than `limit` the newest. `agent`: only its agent events (the timeline). */
  since(id: number, filter?: { agent?: string; limit?: number }): Promise<Event[]>;
  /** Calls back for every event appended from now on, by any hub replica, until the signal aborts. */
  subscribe(onEvent: (event: Event) => void, signal: AbortSignal): void;
}

export interface TemplateStore {
  list(): Promise<Template[]>;
  get(id: string): Promise<Template | undefined>;
  put(template: Template): Promise<void>;
}

/** A message of one hub replica to another through the store: small, and harmless if lost or doubled. */
export interface Signal {
  /** A command was stored for an agent whose link the receiver holds. */
  type: 'wake';
  agent: string;
}

/** Messages between hub replicas that share the store, by each replica's address in its claims (`Claim.hub`). Not stored. */
export interface SignalStore {
  /** Delivered to the replica of that address if it listens now, usually once. Resolves when the store has sent it, delivered or not. */
  send(hub: string, message: Signal): Promise<void>;
  /**
   * Calls back for every message to `hub` from now on, until the signal aborts. Resumes by itself after an outage of the store; messages sent
   * meanwhile are lost, and `onGap` is called when it listens again (also the first time), so that the caller can check for itself.
   */
  subscribe(hub: string, onMessage: (message: Signal) => void, onGap: () => void, signal: AbortSignal): void;
}
