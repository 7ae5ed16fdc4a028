import type { Agent } from '@streamspace/protocol';

/** A time in which a replica was known to be present, leading or not. Milliseconds since 1970. */
export interface ReplicaPresence {
  replica: string;
  from: number;
  /** Null while it is present. */
  to: number | null;
}

interface Open {
  span: ReplicaPresence;
  /** When its lead ended, if no report has listed it since. */
  ledUntil: number | null;
  lastSign: number;
}

/** From scattered signs of replicas to spans. */
export class PresenceBook {
  readonly spans: ReplicaPresence[] = [];
  readonly #open = new Map<string, Open>();
  readonly #last = new Map<string, ReplicaPresence>();
  #leader: string | null = null;
  /** When the connection was last lost. */
  #lostAt = -Infinity;

  /** A sign of life. */
  mention(replica: string, at: number): void {
    const open = this.#open.get(replica);
    if (open) {
      open.lastSign = Math.max(open.lastSign, at);
      return;
    }
    const span = this.#resume(replica, at);
    this.#open.set(replica, { span, ledUntil: null, lastSign: at });
  }

  /** A new span, or the last one again: a new leader lists only itself until it has found the others, which tell the time of their start. */
  #resume(replica: string, at: number): ReplicaPresence {
    const last = this.#last.get(replica);
    if (last && last.to !== null && at <= last.to) {
      last.to = null;
      return last;
    }
    const span: ReplicaPresence = { replica, from: at, to: null };
    this.spans.push(span);
    this.#last.set(replica, span);
    return span;
  }

  lead(replica: string, at: number): void {
    this.#stopLeading(at);
    this.mention(replica, at);
    this.#leader = replica;
  }

  /** The connection ended, and with it the leadership. */
  lose(at: number): void {
    this.#lostAt = at;
    this.#stopLeading(at);
  }

  #stopLeading(at: number): void {
    const open = this.#leader === null ? undefined : this.#open.get(this.#leader);
    if (open) open.ledUntil = open.lastSign = at;
    this.#leader = null;
  }

  /** From here on nothing is known; `at` null: since the last sign of each replica. */
  endAll(at: number | null): void {
    for (const open of this.#open.values()) open.span.to = Math.max(open.lastSign, at ?? open.lastSign);
    this.#open.clear();
  }

  /** The leader's list of replicas at a time; null: now. A replica that is not listed has left. */
  report(agent: Agent, at: number | null): void {
    if (agent.replicas.length === 0) return;
    const listed = new Set(agent.replicas.map((replica) => replica.name));
    for (const [name, open] of this.#open) {
      if (listed.has(name) || name === this.#leader) continue;
      open.span.to = this.#endOf(open, at ?? open.lastSign);
      this.#open.delete(name);
    }
    for (const replica of agent.replicas) {
      const since = Date.parse(replica.since);
      if (replica.role === 'standby') this.#endOfPredecessor(replica.name, since);
      this.mention(replica.name, at === null ? since : Math.min(since, at));
      const open = this.#open.get(replica.name)!;
      open.ledUntil = null;
      open.lastSign = Math.max(open.lastSign, at ?? since);
    }
  }

  /** A standby that started after the last sign of its name is another process: the earlier one has ended. */
  #endOfPredecessor(replica: string, since: number): void {
    const open = this.#open.get(replica);
    if (!open || since <= open.lastSign) return;
    open.span.to = this.#endOf(open, since);
    this.#open.delete(replica);
  }

  /** When a replica that is absent at `at` left: at the loss of the connection, without a sign of it since. */
  #endOf(open: Open, at: number): number {
    return open.ledUntil ?? (this.#lostAt > open.lastSign ? this.#lostAt : at);
  }
}
