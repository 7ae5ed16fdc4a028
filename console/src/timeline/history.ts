import type { Agent, Election, Event } from '@streamspace/protocol';
import { type ReplicaPresence, PresenceBook } from './presence.ts';

/** A time in which one replica held the agent's connection. Times are milliseconds since 1970. */
export interface Reign {
  replica: string;
  term: number;
  from: number;
  /** Null while it lasts. */
  to: number | null;
  election: Election | null;
  /** Why it ended, in the hub's words; null while it lasts or if a successor took over without a gap. */
  endedBy: string | null;
}

/** A time in which no replica held the connection. */
export interface Gap {
  from: number;
  /** Null while it lasts. */
  to: number | null;
  /** The leaders before and after; null if unknown (yet). */
  before: string | null;
  after: string | null;
  reason: string | null;
}

export interface TermRefusal {
  at: number;
  replica: string;
  term: number;
  code: string;
  message: string;
}

export interface History {
  /** Replicas, the present ones first. */
  lanes: string[];
  reigns: Reign[];
  gaps: Gap[];
  refusals: TermRefusal[];
  presences: ReplicaPresence[];
  /** When the history begins; null when there is none. */
  from: number | null;
}

/** Leadership over time, from an agent's events (by id, oldest first) and its present state. */
export function historyOf(events: readonly Event[], now: Agent | null): History {
  const reigns: Reign[] = [];
  const refusals: TermRefusal[] = [];
  const presences = new PresenceBook();
  let open: Reign | null = null;
  const end = (at: number, why: string | null) => {
    if (open) Object.assign(open, { to: Math.max(open.from, at), endedBy: why });
    open = null;
  };

  for (const event of [...events].sort((a, b) => a.id - b.id)) {
    const at = Date.parse(event.at);
    switch (event.type) {
      case 'agent.registered': {
        const agent = event.data as unknown as Agent;
        end(at, null);
        open = {
          replica: agent.leader ?? '?',
          term: agent.term,
          from: at,
          to: null,
          election: agent.election,
          endedBy: null,
        };
        reigns.push(open);
        presences.lead(open.replica, at);
        break;
      }
      case 'agent.updated':
        presences.report(event.data as unknown as Agent, at);
        break;
      case 'agent.disconnected': {
        presences.lose(at);
        end(at, text(event.data['reason']));
        break;
      }
      case 'agent.refused': {
        const { replica, term, code, message } = event.data;
        const refusal = {
          at,
          replica: text(replica) ?? '?',
          term: Number(term),
          code: text(code) ?? '',
          message: text(message) ?? '',
        };
        refusals.push(refusal);
        presences.mention(refusal.replica, at);
        break;
      }
    }
  }
  if (now) {
    // The kept history may begin after the present leader registered.
    if (now.connected && now.leader !== null && open === null && reigns.length === 0 && now.connected_since !== null) {
      reigns.push({
        replica: now.leader,
        term: now.term,
        from: Date.parse(now.connected_since),
        to: null,
        election: now.election,
        endedBy: null,
      });
    }
    if (now.connected) presences.report(now, null);
    // The replicas of an absent agent are unknown.
    else presences.endAll(reigns.at(-1)?.to ?? null);
  }
  const known = presences.spans;
  const starts = [...reigns, ...known].map((span) => span.from).concat(refusals.map((refusal) => refusal.at));
  return {
    lanes: lanesOf(known, reigns, refusals, now),
    reigns,
    gaps: gapsOf(reigns),
    refusals,
    presences: known,
    from: starts.length === 0 ? null : Math.min(...starts),
  };
}

function gapsOf(reigns: readonly Reign[]): Gap[] {
  return reigns.flatMap((reign, index) => {
    if (reign.to === null) return [];
    const next = reigns[index + 1];
    // A successor without a disconnect in between left no gap: make before break.
    if (next && next.from <= reign.to) return [];
    return [
      {
        from: reign.to,
        to: next?.from ?? null,
        before: reign.replica,
        after: next?.replica ?? null,
        reason: reign.endedBy,
      },
    ];
  });
}

function lanesOf(
  presences: readonly ReplicaPresence[],
  reigns: readonly Reign[],
  refusals: readonly TermRefusal[],
  now: Agent | null,
): string[] {
  const present = (now?.replicas ?? []).map((replica) => replica.name).sort();
  const firstSeen = [...presences, ...reigns].sort((a, b) => a.from - b.from).map((span) => span.replica);
  return [...new Set([...present, ...firstSeen, ...refusals.map((refusal) => refusal.replica)])];
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
