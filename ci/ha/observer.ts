import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent, Command, Event } from '@streamspace/protocol';
import type { Component, Fact, Recorder } from './history.ts';
import type { Hub } from './hub.ts';

/** Log messages that belong to the history. */
const TOLD = new Set([
  'Registered agent',
  'Agent disconnected',
  'Agent refused',
  'Elected',
  'Lost the lead',
  'Term raised',
  'Leader observed',
  'Agent started',
  'Connected',
  'Connection lost',
  'Not connected',
  'Stopping',
  'Lock failed; going on',
]);

/** Where a platform's eyes put their observations. */
export interface Sink {
  /** An object as it is now, or was until it was deleted (`gone`). */
  keep(key: string, fact: Fact | undefined, gone: boolean): void;
  note(fact: Fact): void;
  /** A line of the log of a run of a program. */
  line(pod: string, component: Component, id: string, line: string): void;
}

/** Watches a platform: the lock, the programs and their logs, the sessions. */
export interface Eyes {
  /** Looks until the signal aborts. */
  look(sink: Sink, signal: AbortSignal): void;
}

/**
 * Watches the platform and the hub until the signal aborts, and records the observations in the current round: what the platform's
 * eyes see, and the hub's live events.
 */
export class Observer implements Sink {
  readonly #eyes: Eyes;
  readonly #hub: Hub;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Fact>();
  #recorder: Recorder | undefined;
  #logs = '';
  onCommand: (command: Command) => void = () => {};

  constructor(eyes: Eyes, hub: Hub, signal: AbortSignal) {
    this.#eyes = eyes;
    this.#hub = hub;
    this.#signal = signal;
  }

  start(): void {
    this.#eyes.look(this, this.#signal);
    void this.#hub.follow((event) => this.#event(event), this.#signal);
  }

  keep(key: string, fact: Fact | undefined, gone: boolean): void {
    if (fact === undefined) return;
    if (gone) this.#known.delete(key);
    else this.#known.set(key, fact);
    this.note(fact);
  }

  /** From now on observations go to that round, beginning with the existing objects. */
  async record(recorder: Recorder, folder: string): Promise<void> {
    this.#logs = join(folder, 'logs');
    await mkdir(this.#logs, { recursive: true });
    this.#recorder = recorder;
    for (const fact of this.#known.values()) recorder.note('change' in fact ? { ...fact, change: 'known' } : fact);
  }

  rest(): void {
    this.#recorder = undefined;
  }

  note(fact: Fact): void {
    this.#recorder?.note(fact);
  }

  #event({ type, data, at }: Event): void {
    const recorder = this.#recorder;
    if (type === 'command.updated') this.onCommand(data as unknown as Command);
    if (recorder === undefined || !type.startsWith('agent.')) return;
    if (type === 'agent.registered') {
      const { term, leader, connection_id } = data as unknown as Agent & { connection_id: string };
      const about = { by: 'event', hub: '', replica: leader ?? '', term, connection: connection_id } as const;
      recorder.note({ kind: 'registered', ...about, at: recorder.at(at) });
    }
    if (type === 'agent.registered' || type === 'agent.updated') {
      const { connected, leader, term } = data as unknown as Agent;
      recorder.note({ kind: 'agent', connected, leader, term });
    } else {
      recorder.note({ kind: 'said', pod: 'hub', component: 'api', what: type, at: recorder.at(at), fields: data });
    }
  }

  line(pod: string, component: Component, id: string, line: string): void {
    if (this.#logs !== '')
      void appendFile(join(this.#logs, `${pod}-${id.slice(0, 8)}.log`), `${line}\n`).catch(() => {});
    const recorder = this.#recorder;
    if (recorder === undefined || !line.startsWith('{')) return;
    let said: { msg?: string; time?: number } & Record<string, unknown>;
    try {
      said = JSON.parse(line) as typeof said;
    } catch {
      return;
    }
    const { msg = '', time = 0, level: _level, pid: _pid, hostname: _host, ...fields } = said;
    if (!TOLD.has(msg)) return;
    const at = recorder.at(time);
    recorder.note({ kind: 'said', pod, component, what: msg, at, fields });
    if (msg !== 'Registered agent') return;
    const { replica, term, connection } = fields as { replica: string; term: number; connection: string };
    recorder.note({ kind: 'registered', by: 'log', hub: pod, replica, term, connection, at });
  }
}
