import { createHash } from 'node:crypto';

/** All keys of an agent have its hash tag, and so one slot of a Cluster: docs/adr/0008-redis-keys.md. */
const of = (agent: string): string => `ss:{agent:${agent}}`;

const hashed = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

export const KEYS = {
  agent: (agent: string) => of(agent),
  credential: (agent: string) => `${of(agent)}:credential`,
  sessions: (agent: string) => `${of(agent)}:sessions`,
  session: (agent: string, id: string) => `${of(agent)}:session:${id}`,
  /** Mark of a session that must not be made (any more). */
  unwanted: (agent: string, id: string) => `${of(agent)}:unwanted:${id}`,
  queue: (agent: string) => `${of(agent)}:queue`,
  final: (agent: string) => `${of(agent)}:final`,
  command: (agent: string, id: string) => `${of(agent)}:command:${id}`,

  // indexes: written before the entries that they point to
  agents: 'ss:agents',
  agentOfSession: (id: string) => `ss:agent-of-session:${id}`,
  agentOfCommand: (id: string) => `ss:agent-of-command:${id}`,
  sessionsOfUser: (user: string) => `ss:sessions-of-user:${hashed(user)}`,
  idempotency: (user: string, key: string) => `ss:idempotency:${hashed(user, key)}`,

  ticket: (hash: string) => `ss:ticket:${hash}`,
  pendingSignIn: (state: string) => `ss:pending-sign-in:${state}`,
  signIns: (owner: string) => `ss:sign-ins:${owner}`,
  disabledUsers: 'ss:disabled-users',
  refresh: (hash: string) => `ss:sign-in-refresh:${hash}`,
  enrolment: (hash: string) => `ss:enrolment:${hash}`,
  templates: 'ss:templates',
  signals: (hub: string) => `ss:signals:${hub}`,

  audit: 'ss:{audit}',
  auditHead: 'ss:{audit}:head',

  events: 'ss:{events}',
  eventId: 'ss:{events}:id',
  timeline: (agent: string, part: 'updates' | 'others') => `ss:{events}:${part}:${agent}`,
} as const;

const DAY = 86_400_000;

/** Retention of finished objects; times in milliseconds. */
export const RETENTION = {
  finalCommandsMs: 3_600_000,
  finalCommandsPerAgent: 1_000,
  goneSessionsMs: 3_600_000,
  /** Longer than any COMMAND_TIMEOUT, and its extension while the agent is connected. */
  commandIndexMs: 30 * DAY,
  idempotencyMs: DAY,
  /**
   * Retention of the pair of a create with a key, until the create is known to be done, so that a repeat makes the same pair; also of the marks
   * against it.
   */
  creatingMs: 3_600_000,
  enrolmentBeyondMs: DAY,
  timelineMs: 30 * DAY,
  /** Longer than any SIGN_IN_LIFETIME. */
  signInsMs: 31 * DAY,
  signals: 1_000,
  signalsMs: 60_000,
  /** Age at which index entries that point to nothing are dropped. */
  youngMs: 600_000,
} as const;
