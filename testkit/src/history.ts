import type { Command, SessionState } from '@streamspace/protocol';

/** An effect on the platform: a session was created, or ended. In the order of occurrence. */
export interface Effect {
  op: 'create' | 'delete';
  agent: string;
  session: string;
  command: string;
  term: number;
}

/** Requests and observations of clients, in the order of time. `key`: one intention of a client, with all its repeated requests. */
export type CommandEntry =
  | { kind: 'accepted'; key: string; op: Effect['op']; command: string; session: string }
  | { kind: 'refused'; key: string; status: number; code: string }
  /** The command as some replica of the hub told it; `unknown`: it said that there is none. */
  | { kind: 'seen'; command: string; state: Command['state'] | 'unknown'; code?: string }
  | { kind: 'fault'; what: string };

export interface CommandHistory {
  entries: readonly CommandEntry[];
  /** What happened in the world, in its order. */
  effects: readonly Effect[];
  /** Sessions that are there in the world at the end. */
  live: readonly string[];
  /** Sessions as the hub knows them at the end. */
  sessions: readonly { id: string; state: SessionState }[];
}

const isFinal = (state: string) => state === 'completed' || state === 'failed';

/** All faults of a history, in words: a lost command, a doubled effect, a state that changed after its end. */
export function checkHistory({ entries, effects, live, sessions }: CommandHistory): string[] {
  const wrong: string[] = [];
  const accepted = new Map<string, Extract<CommandEntry, { kind: 'accepted' }>>();
  const byKey = new Map<string, string>();
  const last = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind === 'accepted') {
      const before = byKey.get(entry.key);
      if (before !== undefined && before !== entry.command)
        wrong.push(`${entry.key}: accepted twice, as ${before} and as ${entry.command}`);
      byKey.set(entry.key, entry.command);
      accepted.set(entry.command, entry);
    }
    if (entry.kind === 'seen') {
      const before = last.get(entry.command);
      if (entry.state === 'unknown') wrong.push(`${entry.command}: accepted, and then the hub didn't know it`);
      else if (before !== undefined && isFinal(before) && before !== entry.state)
        wrong.push(`${entry.command}: ${before} became ${entry.state}`);
      else last.set(entry.command, entry.state);
    }
  }
  const happened = (op: Effect['op'], session: string) =>
    effects.filter((effect) => effect.op === op && effect.session === session);
  for (const [id, { op, session }] of accepted) {
    const state = last.get(id) ?? 'never seen';
    if (!isFinal(state)) wrong.push(`${id}: accepted, and at the end ${state}`);
    if (state !== 'completed') continue;
    if (op === 'create' && happened('create', session).length === 0)
      wrong.push(`${id}: completed, and session ${session} never came to be`);
    if (op === 'delete' && live.includes(session))
      wrong.push(`${id}: completed, and session ${session} is still there`);
  }
  for (const session of new Set(effects.map((effect) => effect.session))) {
    const order = effects.filter((effect) => effect.session === session).map(({ op }) => op);
    for (const op of ['create', 'delete'] as const) {
      const times = order.filter((each) => each === op).length;
      if (times > 1) wrong.push(`session ${session}: ${op} happened ${times} times`);
    }
    if (order[0] === 'delete') wrong.push(`session ${session}: deleted before it was created`);
  }
  const known = new Map(sessions.map(({ id, state }) => [id, state]));
  for (const id of live)
    if (known.get(id) !== 'running') wrong.push(`session ${id}: there, and the hub says ${known.get(id) ?? 'nothing'}`);
  for (const [id, state] of known)
    if (state === 'running' && !live.includes(id))
      wrong.push(`session ${id}: the hub says running, and it isn't there`);
  return wrong;
}
