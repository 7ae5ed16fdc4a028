import type { Change, Component, PodEntry, RecordEntry } from '../history.ts';

/** Objects of the engine as entries of the history. Their labels and names are the agent's public ones. */
type Labels = Readonly<Record<string, string>>;

const VERSION = /\.r(\d+)$/;
export const COMPONENT = 'component';

/** What a record's container holds, as far as it is looked at. */
export interface RecordText {
  session: string;
  /** Of the record; the highest counts. */
  number: number;
  term: number;
  instance: number;
  desired: string;
  done: boolean;
}

/** Undefined for a container that holds no record. */
export function recordIn(name: string, labels: Labels): RecordText | undefined {
  const number = VERSION.exec(name)?.[1];
  const [session, text] = [labels['session'], labels['streamspace.io/record']];
  if (labels['app'] !== 'session-record' || number === undefined || session === undefined || text === undefined)
    return undefined;
  const { term, instance, desired, done } = JSON.parse(text) as RecordText;
  return { session, number: Number(number), term, instance, desired, done };
}

export function recordOf(change: Change, uid: string, record: RecordText, version: number): RecordEntry {
  const { session, term, desired } = record;
  return { kind: 'record', change, session, uid, term, phase: desired, version };
}

/** A program or a session's container in that state. */
export function podOf(change: Change, uid: string, name: string, labels: Labels, state: string): PodEntry {
  const session = labels['app'] === 'session' ? labels['session'] : undefined;
  return {
    kind: 'pod',
    change,
    name,
    uid,
    component: (session === undefined ? labels[COMPONENT] : 'session') as Component,
    node: 'engine',
    phase: state === 'running' ? 'Running' : state,
    ready: state === 'running',
    deleting: state === 'removing',
    restarts: 0,
    version: 0,
    ...(session !== undefined && { session }),
  };
}
