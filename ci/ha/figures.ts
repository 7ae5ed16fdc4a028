import { registrations } from './checker.ts';
import type { Entry } from './history.ts';

/** Measurements of a round. Milliseconds; undefined: it did not happen. */
export interface Figures {
  /** From the fault to another term in the Lease. */
  election: number | undefined;
  /**
   * From the last good command of one leader to the first good one of the next: the time without a completed list around the moment in
   * which the hub accepted a new leader; the longest of several. Undefined: the hub accepted no new leader.
   */
  failover: number | undefined;
  /** The longest time without a completed list from the fault on, whatever its cause. */
  silence: number | undefined;
  /** For a start: from the first replica's first log line to a leader in the Lease. */
  start: number | undefined;
  /** From the fault to the first connection of a greater term that the hub accepted. */
  registered: number | undefined;
  /** The longest time without a picture around the fault. */
  viewer: number | undefined;
  /** From the fault to one leader and two standbys, all ready. */
  healed: number | undefined;
  asked: number;
  accepted: number;
  completed: number;
  failed: number;
  /** Number of `failed` commands by error. */
  failures: Record<string, number>;
  unanswered: number;
  registrations: number;
  /** Commands accepted per second over the round. */
  rate: number;
}

/** The fault counts from its announcement; its consequences until the round's end. */
export function figures(history: readonly Entry[]): Figures {
  const fault = history.find(({ kind }) => kind === 'fault')?.t;
  const end = history.at(-1)?.t ?? 0;
  const completions: number[] = [];
  const frames: number[] = [];
  const failures: Record<string, number> = {};
  const counts = { asked: 0, accepted: 0, completed: 0, failed: 0, unanswered: 0 };
  const final = new Set<string>();
  const lists = new Set<string>();
  let lastAccepted = 0;
  for (const entry of history) {
    if (entry.kind === 'asked') counts.asked++;
    if (entry.kind === 'accepted') {
      counts.accepted++;
      lastAccepted = entry.t;
      // their rate is steady, and each is a round trip to the leader: they show a gap, while creations also contain the pods' start time
      if (entry.op === 'list') lists.add(entry.command);
    }
    if (entry.kind === 'unanswered') counts.unanswered++;
    if (entry.kind === 'frame') frames.push(entry.t);
    if (entry.kind !== 'seen' || final.has(entry.command)) continue;
    if (entry.state === 'completed' || entry.state === 'failed') final.add(entry.command);
    if (entry.state === 'completed') {
      counts.completed++;
      if (lists.has(entry.command)) completions.push(entry.at);
    }
    if (entry.state === 'failed') {
      counts.failed++;
      failures[entry.code ?? ''] = (failures[entry.code ?? ''] ?? 0) + 1;
    }
  }
  const since = (t: number | undefined) =>
    t === undefined || fault === undefined ? undefined : Math.max(0, t - fault);
  const healthy = history.findLast(({ kind }) => kind === 'healthy')?.t;
  return {
    election: since(fault === undefined ? undefined : electedAfter(history, fault)),
    failover: failover(history, completions, fault, end),
    silence: gap(completions, fault, end),
    start: started(history, fault),
    registered: since(registeredAfter(history, fault)),
    viewer: gap(frames, fault, end),
    healed: since(healthy),
    ...counts,
    failures,
    registrations: registrations(history).length,
    rate: lastAccepted === 0 ? 0 : (counts.accepted * 1_000) / lastAccepted,
  };
}

/** The longest interval between two moments that ends after the fault; undefined: nothing followed it, or there was no fault. */
function gap(moments: readonly number[], fault: number | undefined, end: number): number | undefined {
  if (fault === undefined) return undefined;
  const sorted = [...moments].sort((a, b) => a - b);
  if (!sorted.some((t) => t > fault)) return end - fault;
  let longest = 0;
  for (const [index, t] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && t > fault) longest = Math.max(longest, t - before);
  }
  return longest;
}

/** The longest interval between two moments in which the hub accepted a greater term than before. */
function failover(
  history: readonly Entry[],
  moments: readonly number[],
  fault: number | undefined,
  end: number,
): number | undefined {
  if (fault === undefined) return undefined;
  const sorted = [...moments].sort((a, b) => a - b);
  let [term, longest] = [termBefore(history, fault), -1];
  for (const accepted of registrations(history)) {
    if (accepted.at <= fault || accepted.term <= term) continue;
    term = accepted.term;
    const last = sorted.findLast((t) => t <= accepted.at) ?? 0;
    const first = sorted.find((t) => t > accepted.at) ?? end;
    longest = Math.max(longest, first - last);
  }
  return longest < 0 ? undefined : longest;
}

/** The greatest known term at the time of the fault. */
function termBefore(history: readonly Entry[], fault: number): number {
  return Math.max(
    0,
    ...registrations(history)
      .filter(({ at }) => at <= fault)
      .map(({ term }) => term),
    ...history.flatMap((entry) => (entry.kind === 'lease' && entry.t <= fault ? [entry.term] : [])),
  );
}

/** When the Lease first had a holder with a greater term than any before the fault. */
function electedAfter(history: readonly Entry[], fault: number): number | undefined {
  let greatest = 0;
  for (const entry of history) {
    if (entry.kind !== 'lease' || entry.change === 'deleted' || entry.holder === '') continue;
    if (entry.t <= fault) greatest = Math.max(greatest, entry.term);
    else if (entry.term > greatest) return entry.t;
  }
  return undefined;
}

/** From the first replica that started after the fault, if none was there before, to a leader in the Lease. */
function started(history: readonly Entry[], fault = 0): number | undefined {
  const ready = history.find((entry) => entry.kind === 'pod' && entry.component === 'k8s-agent' && entry.ready);
  if (ready === undefined || ready.t < fault) return undefined;
  const starts = history.flatMap((entry) =>
    entry.kind === 'said' && entry.what === 'Agent started' ? [entry.at] : [],
  );
  const first = Math.min(...starts.filter((at) => at > fault));
  const elected = electedAfter(history, first);
  return elected === undefined ? undefined : elected - first;
}

function registeredAfter(history: readonly Entry[], fault = 0): number | undefined {
  const before = termBefore(history, fault);
  return registrations(history).find(({ at, term }) => at > fault && term > before)?.at;
}
