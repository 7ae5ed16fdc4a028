import { checkHistory, type CommandEntry, type Effect } from '@streamspace/testkit';
import { type Entry, isFinal, type RegisteredEntry } from './history.ts';

type Of<K extends Entry['kind']> = Extract<Entry, { kind: K }>;
const all = <K extends Entry['kind']>(history: readonly Entry[], kind: K): Of<K>[] =>
  history.filter((entry): entry is Of<K> => entry.kind === kind);

/** Pods of the agent's Deployment in a healthy cluster. */
const REPLICAS = 3;

/** All faults of a round's history, in words; empty without faults. */
export interface Verdict {
  /** Accepted commands that were lost, or lost their effect. */
  lost: string[];
  /** Effects that happened more than once. */
  doubled: string[];
  /** All faults, lost and doubled commands included. */
  wrong: string[];
}

export function check(history: readonly Entry[]): Verdict {
  const effects = wrongEffects(history);
  const unfinished = unfinishedCommands(history);
  const isDoubled = (text: string) => /happened \d+ times|pods were made for it|accepted twice/.test(text);
  const others = [...leaders(history), ...superseded(history), ...screen(history), ...healed(history)];
  return {
    lost: [...unfinished, ...effects.filter((text) => !isDoubled(text))],
    doubled: effects.filter(isDoubled),
    wrong: [...unfinished, ...effects, ...others],
  };
}

/** Registrations in the hub's order; its log line and its event about one registration count once. */
export function registrations(history: readonly Entry[]): RegisteredEntry[] {
  const byConnection = new Map<string, RegisteredEntry>();
  for (const entry of all(history, 'registered'))
    if (!byConnection.has(entry.connection) || entry.by === 'log') byConnection.set(entry.connection, entry);
  return [...byConnection.values()].filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at);
}

/** Every accepted command reaches one final state, and keeps it. */
function unfinishedCommands(history: readonly Entry[]): string[] {
  const wrong: string[] = [];
  const last = new Map<string, string>();
  for (const { command, state } of all(history, 'seen')) {
    const before = last.get(command);
    if (state === 'unknown') wrong.push(`${command}: accepted, and then the hub didn't know it`);
    else if (before !== undefined && isFinal(before) && before !== state)
      wrong.push(`${command}: ${before} became ${state}`);
    else last.set(command, state);
  }
  for (const { command, op } of all(history, 'accepted'))
    if (!isFinal(last.get(command) ?? ''))
      wrong.push(`${command}: accepted (${op}), and at the end ${last.get(command) ?? 'never seen'}`);
  return wrong;
}

/** Compares created and deleted sessions, as seen at the API server, with the requests: the rules of the chaos runs. */
function wrongEffects(history: readonly Entry[]): string[] {
  const entries = all(history, 'accepted').flatMap(({ key, op, command, session }): CommandEntry[] =>
    op === 'list' || session === null ? [] : [{ kind: 'accepted', key, op, command, session }],
  );
  const asked = new Set(entries.flatMap((entry) => (entry.kind === 'accepted' ? [entry.command] : [])));
  const sessions = new Set(entries.flatMap((entry) => (entry.kind === 'accepted' ? [entry.session] : [])));
  // `unfinishedCommands` reports unfinished commands, and ends that change
  const states = new Map(all(history, 'seen').map(({ command, state }) => [command, state]));
  for (const [command, state] of states)
    if (asked.has(command) && state !== 'unknown') entries.push({ kind: 'seen', command, state });

  const effects: Effect[] = [];
  const pods = new Map<string, Set<string>>();
  const live = new Map<string, string>();
  const records = new Map<string, string>();
  for (const entry of history) {
    if (entry.kind === 'record' && sessions.has(entry.session)) {
      const { change, session, term, uid } = entry;
      const about = { agent: '', session, command: '', term };
      // a restarted watch shows objects made meanwhile as known
      if ((change === 'added' || change === 'known') && records.get(session) !== uid) {
        records.set(session, uid);
        effects.push({ op: 'create', ...about });
      }
      if (change === 'deleted') effects.push({ op: 'delete', ...about });
    }
    if (entry.kind === 'pod' && entry.session !== undefined && sessions.has(entry.session)) {
      const seen = pods.get(entry.session) ?? new Set();
      pods.set(entry.session, seen.add(entry.uid));
      if (entry.change === 'deleted') live.delete(entry.uid);
      else live.set(entry.uid, entry.session);
    }
  }
  const known = all(history, 'sessions').at(-1)?.items ?? [];
  const wrong = checkHistory({
    entries,
    effects,
    live: [...live.values()],
    sessions: known.filter(({ id }) => sessions.has(id)),
  }).filter((text) => !/^\S+: accepted, and at the end/.test(text));
  for (const [session, uids] of pods)
    if (uids.size > 1) wrong.push(`session ${session}: ${uids.size} pods were made for it (${[...uids].join(', ')})`);
  return wrong;
}

/** One leader at a time, by term: in the Lease and at the hub. */
function leaders(history: readonly Entry[]): string[] {
  const wrong: string[] = [];
  const holders = new Map<number, string>();
  let greatest = 0;
  let holds = '';
  for (const { holder, term, change } of all(history, 'lease')) {
    if (change === 'deleted' || holder === '') continue;
    const before = holders.get(term);
    if (before !== undefined && before !== holder) wrong.push(`term ${term} of the Lease: ${before}, and ${holder}`);
    holders.set(term, holder);
    if (term < greatest) wrong.push(`the Lease went from term ${greatest} back to ${term} (${holder})`);
    if (holder !== holds && holds !== '' && term === greatest)
      wrong.push(`the Lease went from ${holds} to ${holder} without a greater term than ${term}`);
    greatest = Math.max(greatest, term);
    holds = holder;
  }
  const accepted = new Map<number, string>();
  let last = 0;
  for (const { term, replica, connection } of registrations(history)) {
    const before = accepted.get(term);
    if (before !== undefined && before !== replica)
      wrong.push(`the hub accepted term ${term} of ${before}, and of ${replica}`);
    accepted.set(term, replica);
    if (term < last) wrong.push(`the hub accepted term ${term} of ${replica} (${connection}) after term ${last}`);
    last = Math.max(last, term);
  }
  return wrong;
}

/** A superseded leader has no effect: the term of a session's record never decreases. */
function superseded(history: readonly Entry[]): string[] {
  const wrong: string[] = [];
  const written = [...all(history, 'record')]
    .filter(({ change }) => change !== 'deleted')
    .sort((a, b) => a.version - b.version);
  const terms = new Map<string, { version: number; term: number }[]>();
  for (const { session, uid, term, version } of written) {
    const before = terms.get(uid) ?? [];
    const greatest = Math.max(0, ...before.map((each) => each.term));
    if (term < greatest) wrong.push(`session ${session}: term ${term} wrote its record after term ${greatest}`);
    terms.set(uid, [...before, { version, term }]);
    terms.set(session, [...(terms.get(session) ?? []), { version, term }]);
  }
  for (const { change, session, term = 0, version, name } of all(history, 'pod')) {
    if (change !== 'added' || session === undefined) continue;
    const before = (terms.get(session) ?? []).filter((each) => each.version < version);
    const greatest = Math.max(0, ...before.map((each) => each.term));
    if (term < greatest) wrong.push(`pod ${name}: made by term ${term} after term ${greatest} had its session`);
  }
  return wrong;
}

/** The screen is back after the last fault, and shows the same program as before. */
function screen(history: readonly Entry[]): string[] {
  const frames = all(history, 'frame');
  const wrong: string[] = [];
  if (frames.length === 0) return ['the screen never showed anything'];
  for (const [index, { number, t }] of frames.entries()) {
    const before = frames[index - 1];
    if (before !== undefined && number < before.number)
      wrong.push(`the screen went from ${before.number} back to ${number} at ${t} ms: another program, or old bytes`);
  }
  const fault = all(history, 'fault').at(-1);
  const mended = all(history, 'mended').at(-1);
  const after = Math.max(fault?.t ?? 0, mended?.t ?? 0);
  if (!frames.some(({ t }) => t > after)) wrong.push('the screen showed nothing any more after the last fault');
  return wrong;
}

/** At the end one replica leads, known to the hub, and two stand by. */
function healed(history: readonly Entry[]): string[] {
  const healthy = all(history, 'healthy').at(-1);
  const after = all(history, 'fault').at(-1)?.t ?? 0;
  if (healthy === undefined || healthy.t < after) return ['the cluster did not become healthy again'];
  const count = 1 + new Set(healthy.standbys.filter((name) => name !== healthy.leader)).size;
  return count === REPLICAS ? [] : [`at the end there are ${count} healthy replicas instead of ${REPLICAS}`];
}
