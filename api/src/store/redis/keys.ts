import { createHash } from 'node:crypto';

/** Everything of an agent has its hash tag, and so one slot of a Cluster: docs/adr/0008-redis-keys.md. */
const of = (agent: string): string => `ss:{agent:${agent}}`;

const hashed = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

export const KEYS = {
  agent: (agent: string) => of(agent),
  credential: (agent: string) => `${of(agent)}:credential`,
  sessions: (agent: string) => `${of(agent)}:sessions`,
  session: (agent: string, id: string) => `${of(agent)}:session:${id}`,
  /** Of a session that must not be made (any more). */
  unwanted: (agent: string, id: string) => `${of(agent)}:unwanted:${id}`,
  queue: (agent: string) => `${of(agent)}:queue`,
  final: (agent: string) => `${of(agent)}:final`,
  command: (agent: string, id: string) => `${of(agent)}:command:${id}`,

  // indexes: written before what they point to
  agents: 'ss:agents',
  agentOfSession: (id: string) => `ss:agent-of-session:${id}`,
  agentOfCommand: (id: string) => `ss:agent-of-command:${id}`,
  sessionsOfUser: (user: string) => `ss:sessions-of-user:${hashed(user)}`,
  idempotency: (user: string, key: string) => `ss:idempotency:${hashed(user, key)}`,

  ticket: (hash: string) => `ss:ticket:${hash}`,
  enrolment: (hash: string) => `ss:enrolment:${hash}`,
  templates: 'ss:templates',
  signals: (hub: string) => `ss:signals:${hub}`,

  events: 'ss:{events}',
  eventId: 'ss:{events}:id',
  timeline: (agent: string, part: 'updates' | 'others') => `ss:{events}:${part}:${agent}`,
} as const;

const DAY = 86_400_000;

/** How much is kept of what is over; times in milliseconds. */
export const RETENTION = {
  finalCommandsMs: 3_600_000,
  finalCommandsPerAgent: 1_000,
  goneSessionsMs: 3_600_000,
  /** Longer than any COMMAND_TIMEOUT, and its extension while the agent is connected. */
  commandIndexMs: 30 * DAY,
  idempotencyMs: DAY,
  /** Until a create with a key is known to be done, its pair is kept so that a repeat makes the same; and so are the marks against it. */
  creatingMs: 3_600_000,
  enrolmentBeyondMs: DAY,
  timelineMs: 30 * DAY,
  signals: 1_000,
  signalsMs: 60_000,
  /** Entries of indexes that point to nothing are dropped when they are older. */
  youngMs: 600_000,
} as const;
