import type { Fact, LeaseEntry } from '../history.ts';
import type { Eyes, Sink } from '../observer.ts';
import { type DockerEngine, filter, type Listed } from './engine.ts';
import type { LockView } from './lock.ts';
import { COMPONENT, podOf, recordIn, recordOf, type RecordText } from './observed.ts';
import type { Names } from './cluster.ts';

/** Between two looks at the lock, milliseconds: what an election takes is known no better. */
const LOOK_MS = 20;
const AGAIN_MS = 200;
const STATES: Readonly<Record<string, string>> = {
  create: 'created',
  start: 'running',
  unpause: 'running',
  pause: 'paused',
  die: 'exited',
  destroy: 'removed',
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface EngineEvent {
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  timeNano: number;
}

/** A session as its records tell it. */
interface Known extends RecordText {
  uid: string;
}

/** The lock, the engine's events of programs, sessions and their records, and the logs of hub and agents. */
export class DockerEyes implements Eyes {
  readonly #engine: DockerEngine;
  readonly #lock: LockView;
  readonly #names: Names;
  readonly #records = new Map<string, Known>();
  /** Term of the last leader that wanted a session's start of that number: a start that nobody wants any more is a superseded leader's. */
  readonly #terms = new Map<string, number>();
  readonly #containers = new Map<string, Record<string, string>>();
  readonly #starts = new Map<string, number>();

  constructor(engine: DockerEngine, lock: LockView, names: Names) {
    this.#engine = engine;
    this.#lock = lock;
    this.#names = names;
  }

  look(sink: Sink, signal: AbortSignal): void {
    void this.#watchLock(sink, signal);
    void this.#watchEngine(sink, signal);
  }

  async #watchLock(sink: Sink, signal: AbortSignal): Promise<void> {
    let last: string | undefined;
    for (let version = 0; !signal.aborted; await pause(LOOK_MS)) {
      const held = await this.#lock.read().catch(() => 'unknown' as const);
      const text = JSON.stringify(held);
      if (held === 'unknown' || text === last) continue;
      const before = last === undefined ? undefined : (JSON.parse(last) as { holder: string; term: number } | null);
      const change = held === undefined ? 'deleted' : last === undefined ? 'known' : 'modified';
      const { holder = '', term = 0 } = held ?? before ?? {};
      last = text ?? 'null';
      const fact: LeaseEntry = { kind: 'lease', change, holder, term, transitions: 0, version: ++version };
      sink.keep('lock', fact, held === undefined);
    }
  }

  async #watchEngine(sink: Sink, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const since = Date.now();
      try {
        const all = await this.#engine.get<Listed[]>('/containers/json?all=true');
        for (const { Id, Names, Labels, State } of all.toReversed())
          this.#seen(
            sink,
            signal,
            {
              Action: 'known',
              Actor: { ID: Id, Attributes: { ...Labels, name: Names[0]!.slice(1) } },
              timeNano: since * 1e6,
            },
            State,
          );
        for (const id of this.#containers.keys())
          if (!all.some(({ Id }) => Id === id))
            this.#seen(sink, signal, event('destroy', id, this.#containers.get(id)!, since), 'removed');
        const path = `/events?since=${since / 1_000}&${filter({ type: ['container'] })}`;
        for await (const line of this.#engine.lines(path, signal)) {
          const happened = JSON.parse(line) as EngineEvent;
          const state = STATES[happened.Action];
          if (state !== undefined) this.#seen(sink, signal, happened, state);
        }
      } catch (error) {
        if (signal.aborted) return;
        sink.note({ kind: 'watch', of: 'engine', what: 'broken', why: (error as Error).message });
      }
      await pause(AGAIN_MS);
    }
  }

  #seen(sink: Sink, signal: AbortSignal, { Action, Actor, timeNano }: EngineEvent, state: string): void {
    const { ID: id, Attributes: labels } = Actor;
    const { name = '' } = labels;
    // microseconds: a nanosecond is beyond a number's precision
    const version = Math.floor(timeNano / 1e3);
    if (labels['agent'] === this.#names.agent && labels['app'] === 'session-record') {
      if (Action === 'create' || Action === 'known') this.#record(sink, id, name, labels, version, Action === 'known');
      return;
    }
    const [key, value] = this.#names.own.split('=') as [string, string];
    const ours = labels[key] === value || (labels['agent'] === this.#names.agent && labels['app'] === 'session');
    if (!ours) return;
    const known = this.#containers.has(id);
    if (state === 'removed') this.#containers.delete(id);
    else this.#containers.set(id, labels);
    if (Action === 'start') this.#starts.set(id, (this.#starts.get(id) ?? 0) + 1);
    const change = state === 'removed' ? 'deleted' : Action === 'known' ? 'known' : known ? 'modified' : 'added';
    const pod = podOf(change, id, name, labels, state);
    const term = this.#terms.get(`${labels['session']} ${labels['streamspace.io/start']}`);
    const restarts = Math.max(0, (this.#starts.get(id) ?? 0) - 1);
    const fact: Fact = { ...pod, version, restarts, ...(pod.component === 'session' && { term: term ?? 0 }) };
    sink.keep(id, fact, state === 'removed');
    const runs = Action === 'start' || (Action === 'known' && state === 'running' && !known);
    if (runs && ['k8s-agent', 'api'].includes(labels[COMPONENT] ?? '')) {
      const from = Action === 'start' ? timeNano / 1e9 : Date.now() / 1_000 - 20;
      void this.#follow(sink, signal, id, name, labels[COMPONENT] as 'api', from);
    }
  }

  /** A version of a record counts if it is greater than all before: a writer that lost removes its own. */
  #record(sink: Sink, id: string, name: string, labels: Record<string, string>, version: number, known: boolean): void {
    const record = recordIn(name, labels);
    if (record === undefined) return;
    const { session, number, instance, term, done } = record;
    const before = this.#records.get(session);
    if (before !== undefined && number <= before.number && !(number === 1 && before.done)) {
      // the same container again, after a broken watch
      if (!known) sink.note({ kind: 'note', text: `${name}: written late by term ${term}, without effect` });
      return;
    }
    const fresh = before === undefined || (number === 1 && before.done);
    const uid = fresh ? id : before.uid;
    this.#records.set(session, { ...record, uid });
    this.#terms.set(`${session} ${instance}`, term);
    if (done && before?.done === true) return;
    const change = done ? 'deleted' : known ? 'known' : fresh ? 'added' : 'modified';
    sink.keep(`record ${session}`, recordOf(change, uid, record, version), done);
  }

  async #follow(
    sink: Sink,
    signal: AbortSignal,
    id: string,
    name: string,
    component: 'api' | 'k8s-agent',
    since: number,
  ): Promise<void> {
    const path = `/containers/${id}/logs?follow=true&stdout=true&stderr=true&since=${since.toFixed(6)}`;
    try {
      for await (const line of this.#engine.lines(path, signal)) sink.line(name, component, id, line.trimEnd());
    } catch {
      // the container ended before, or the engine is away: its next start is followed
    }
  }
}

const event = (Action: string, ID: string, Attributes: Record<string, string>, at: number): EngineEvent => ({
  Action,
  Actor: { ID, Attributes },
  timeNano: at * 1e6,
});
