import type { Session } from '@streamspace/protocol';
import { quotaRefusal, sessionsUse } from '../../quotas/count.ts';
import { takesRoom } from '../takes-room.ts';
import { type AgentRecord, type CommandRecord, isFinal, type QuotaCheck, type Reservation } from '../store.ts';

/** How much the memory store keeps of what is over. */
export const KEPT = {
  finalCommands: 10_000,
  goneSessions: 1_000,
  idempotencyKeys: 10_000,
  tickets: 10_000,
  pendingSignIns: 10_000,
  signedInUsers: 10_000,
} as const;

/** An agent without what is counted from its sessions; `status` is the one it reported. */
export type StoredAgent = Omit<AgentRecord, 'active_sessions' | 'used'>;

/** What the sessions of one agent take up. */
export interface Usage {
  sessions: number;
  cpu: number;
  memory: number;
}

/**
 * Everything in one place, because steps cross concepts: a command and its session change together. Methods are synchronous: each is
 * one atomic step. Records are replaced, never changed in place, so that what was handed out stays as it was.
 */
export class MemoryState {
  readonly agents = new Map<string, StoredAgent>();
  readonly sessions = new Map<string, Session>();
  readonly commands = new Map<string, CommandRecord>();
  /** Commands that are not final, by agent, in the order of acceptance. */
  readonly #open = new Map<string, Set<string>>();
  /** Places of commands that are not final: a number that grows with each. */
  readonly #places = new Map<string, number>();
  #accepted = 0;
  readonly #byAgent = new Map<string, Set<string>>();
  readonly #byUser = new Map<string, Set<string>>();
  readonly #usage = new Map<string, Usage>();
  readonly #gone = new Set<string>();
  readonly #final = new Set<string>();

  putSession(session: Session): Session {
    const before = this.sessions.get(session.id);
    if (before !== undefined) this.#unindex(before);
    this.sessions.set(session.id, session);
    index(this.#byAgent, session.agent, session.id);
    index(this.#byUser, session.user, session.id);
    this.#usage.delete(session.agent);
    if (session.state === 'gone')
      trim(this.#gone, session.id, KEPT.goneSessions, (oldest) => this.removeSession(oldest));
    else this.#gone.delete(session.id);
    return session;
  }

  removeSession(id: string): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.#unindex(session);
    this.sessions.delete(id);
    this.#gone.delete(id);
  }

  sessionsOf(filter: { user?: string; agent?: string }): Session[] {
    const ids =
      filter.agent !== undefined
        ? this.#byAgent.get(filter.agent)
        : filter.user !== undefined
          ? this.#byUser.get(filter.user)
          : this.sessions.keys();
    const found = [...(ids ?? [])].map((id) => this.sessions.get(id)!);
    return filter.user === undefined ? found : found.filter((session) => session.user === filter.user);
  }

  usage(agentId: string): Usage {
    let usage = this.#usage.get(agentId);
    if (usage === undefined) {
      // summed anew after each change, not kept by adding and subtracting: fractions of CPUs would drift
      const live = this.sessionsOf({ agent: agentId }).filter(takesRoom);
      usage = { sessions: live.length, cpu: sum(live, 'cpu'), memory: sum(live, 'memory') };
      this.#usage.set(agentId, usage);
    }
    return usage;
  }

  /** Whether the agent's live sessions leave room for this one (which isn't counted). */
  fits(session: Session, { maxSessions, cpu, memory }: Reservation): boolean {
    const used = this.usage(session.agent);
    return (
      used.sessions < maxSessions && used.cpu + session.cpu <= cpu + 1e-9 && used.memory + session.memory <= memory
    );
  }

  /** Throws `quota_exceeded` if the user's sessions and what is added are more than the limits. */
  withinQuota(quota: QuotaCheck | undefined): void {
    if (quota === undefined) return;
    const { user, limits, added } = quota;
    const refusal = quotaRefusal(limits, sessionsUse(this.sessionsOf({ user })), added);
    if (refusal !== undefined) throw refusal;
  }

  putCommand(command: CommandRecord): CommandRecord {
    this.commands.set(command.id, command);
    if (isFinal(command)) {
      this.#open.get(command.agent)?.delete(command.id);
      this.#places.delete(command.id);
      trim(this.#final, command.id, KEPT.finalCommands, (oldest) => this.commands.delete(oldest));
    } else {
      index(this.#open, command.agent, command.id);
      if (!this.#places.has(command.id)) this.#places.set(command.id, (this.#accepted += 1));
    }
    return command;
  }

  openCommands(agentId: string): CommandRecord[] {
    return [...(this.#open.get(agentId) ?? [])].map((id) => this.commands.get(id)!);
  }

  /** Its place among all that were accepted; 0 when it is final. */
  placeOf(id: string): number {
    return this.#places.get(id) ?? 0;
  }

  #unindex(session: Session): void {
    unindex(this.#byAgent, session.agent, session.id);
    unindex(this.#byUser, session.user, session.id);
    this.#usage.delete(session.agent);
  }
}

function index(map: Map<string, Set<string>>, key: string, id: string): void {
  const ids = map.get(key);
  if (ids === undefined) map.set(key, new Set([id]));
  else ids.add(id);
}

function unindex(map: Map<string, Set<string>>, key: string, id: string): void {
  const ids = map.get(key);
  ids?.delete(id);
  if (ids?.size === 0) map.delete(key);
}

/** Adds to a bounded set in order of arrival. */
function trim(set: Set<string>, id: string, most: number, drop: (oldest: string) => void): void {
  set.add(id);
  for (const oldest of set) {
    if (set.size <= most) return;
    set.delete(oldest);
    drop(oldest);
  }
}

const sum = (sessions: Session[], field: 'cpu' | 'memory'): number =>
  sessions.reduce((total, session) => total + session[field], 0);
