import { createWriteStream, type WriteStream } from 'node:fs';
import type { Command, SessionState } from '@streamspace/protocol';

export type Op = 'list' | 'create' | 'delete';
export type Component = 'k8s-agent' | 'api' | 'redis' | 'session';
/** `known`: the object existed when the round began, or when a broken watch was restarted. */
export type Change = 'known' | 'added' | 'modified' | 'deleted';

/** The agents' Lease as the API server showed it. `version` orders everything that the API server shows. */
export interface LeaseEntry {
  kind: 'lease';
  change: Change;
  holder: string;
  term: number;
  transitions: number;
  version: number;
}

/** A session's record: the Service that carries it. */
export interface RecordEntry {
  kind: 'record';
  change: Change;
  session: string;
  uid: string;
  term: number;
  phase: string;
  version: number;
}

export interface PodEntry {
  kind: 'pod';
  change: Change;
  name: string;
  uid: string;
  component: Component;
  node: string;
  phase: string;
  ready: boolean;
  deleting: boolean;
  restarts: number;
  version: number;
  /** For a session's pod: its session, and the term of the leader that made it. */
  session?: string;
  term?: number;
}

/** A connection that a replica of the hub accepted; `at`: milliseconds of the round, by the hub's clock. */
export interface RegisteredEntry {
  kind: 'registered';
  by: 'log' | 'event';
  hub: string;
  replica: string;
  term: number;
  connection: string;
  at: number;
}

/** All recorded events of a round. */
export type Fact =
  | { kind: 'begin'; scenario: string; round: number; wall: number; screen: string }
  | { kind: 'asked'; key: string; op: Op }
  | { kind: 'accepted'; key: string; op: Op; command: string; session: string | null }
  | { kind: 'refused'; key: string; op: Op; status: number; code: string }
  | { kind: 'unanswered'; key: string; op: Op; why: string }
  /** A command's state as reported by the hub; `at`: milliseconds of the round when the hub wrote it, by its clock. */
  | { kind: 'seen'; command: string; state: Command['state'] | 'unknown'; attempt: number; at: number; code?: string }
  | { kind: 'screen'; what: 'open' | 'closed' | 'refused'; connection: number; reason: string }
  /** A picture that arrived; numbers grow by one as long as the session's program lives. */
  | { kind: 'frame'; connection: number; number: number; bytes: number }
  | LeaseEntry
  | RecordEntry
  | PodEntry
  | RegisteredEntry
  /** A log line of an agent or the hub about elections or connections. */
  | { kind: 'said'; pod: string; component: Component; what: string; at: number; fields: Record<string, unknown> }
  | { kind: 'agent'; connected: boolean; leader: string | null; term: number }
  | { kind: 'watch'; of: string; what: 'broken' | 'again'; why: string }
  | { kind: 'fault'; what: string }
  | { kind: 'mended'; what: string }
  | { kind: 'healthy'; leader: string; standbys: string[]; term: number }
  | { kind: 'sessions'; items: { id: string; state: SessionState }[] }
  | { kind: 'note'; text: string };

/** `t`: milliseconds since the round began, by this process's monotonic clock. */
export type Entry = Fact & { t: number };

export const isFinal = (state: string): boolean => state === 'completed' || state === 'failed';

/** The history of one round: kept, and written as one JSON object per line. */
export class Recorder {
  readonly entries: Entry[] = [];
  readonly #began = performance.now();
  /** Wall clock at the round's beginning, to place the time stamps of others. The nodes of a kind cluster share this machine's clock. */
  readonly wall = Date.now();
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
    this.#file.on('error', () => undefined);
  }

  get now(): number {
    return performance.now() - this.#began;
  }

  /** Milliseconds of the round at which the wall clock showed that time. */
  at(wall: number | string): number {
    return (typeof wall === 'number' ? wall : Date.parse(wall)) - this.wall;
  }

  note(fact: Fact): void {
    const entry = { t: Math.round(this.now * 10) / 10, ...fact };
    this.entries.push(entry);
    this.#file.write(`${JSON.stringify(entry)}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(() => resolve()));
  }
}
