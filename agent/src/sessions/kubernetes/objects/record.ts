import { MAX_TERM, type SessionSpec } from '@streamspace/protocol';
import type { V1Service } from '@kubernetes/client-node';
import type { KubeObject } from 'kube-client';
import type { Desired, SessionRecord } from '../../core/record.ts';
import { parseStoredSpec } from '../../core/stored-spec.ts';
import { ANNOTATIONS, sessionName } from './names.ts';

/**
 * What is wanted of a session, and how far that has come. `creating` has never run; `waking` has, and goes back to `hibernated`
 * when it can't be finished; `hibernated` and `deleting` are written before their pod is removed.
 */
export const PHASES = ['creating', 'waking', 'running', 'hibernated', 'failed', 'deleting'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * A session's identity: kept in the annotations of its Service, which is made first, lives through hibernation and goes last.
 * Pods come and go beneath it.
 */
export interface ServiceDraft {
  readonly spec: SessionSpec;
  readonly phase: Phase;
  /** The command that changed it last, and the term of the leader that carried it out. */
  readonly commandId: string;
  readonly term: number;
  /** Why it failed. */
  readonly reason: string;
  /** Of phase `deleting`: whether the home goes too. */
  readonly deleteHome: boolean;
  /** Name of its pod, whether there is one now or not: one of the pool's if it began with such a pod. */
  readonly pod: string;
  /** When the phase began, RFC 3339. */
  readonly since: string;
  /** Annotations that stay as they are: those that only newer versions know, and the spec's own text where there is more in it than `spec` has. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** A record as it stands in the cluster; `uid` and `version` are what a conditional write names. */
export interface ServiceRecord extends Omit<ServiceDraft, 'phase'>, SessionRecord {
  readonly spec: SessionSpec;
  /** `unreadable`: see `problem`. A record that says `deleting` goes on to be deleted. */
  readonly phase: Phase | 'unreadable';
  readonly uid: string;
  readonly version: string;
}

/** What each phase is on the way to. */
const DESIRED: Readonly<Record<Phase | 'unreadable', Desired>> = {
  creating: 'running',
  waking: 'running',
  running: 'running',
  hibernated: 'hibernated',
  failed: 'running',
  deleting: 'deleted',
  unreadable: 'running',
};

const PREFIX = 'streamspace.io/';
const KNOWN = new Set<string>(Object.values(ANNOTATIONS));
const SESSION = 'session-';
const POD_NAME = /^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$/;

export function recordAnnotations(record: ServiceDraft): Record<string, string> {
  return {
    [ANNOTATIONS.spec]: JSON.stringify(record.spec),
    [ANNOTATIONS.user]: record.spec.user,
    [ANNOTATIONS.phase]: record.phase,
    [ANNOTATIONS.command]: record.commandId,
    [ANNOTATIONS.term]: String(record.term),
    [ANNOTATIONS.reason]: record.reason,
    [ANNOTATIONS.deleteHome]: String(record.deleteHome),
    [ANNOTATIONS.pod]: record.pod,
    [ANNOTATIONS.since]: record.since,
    ...record.kept,
  };
}

/** The spec that an object of ours carries; undefined when there is none that can be read. */
export function specOf(object: KubeObject): SessionSpec | undefined {
  const { name = '', annotations, labels } = object.metadata ?? {};
  const id = labels?.['session'] ?? name.slice(SESSION.length);
  const stored = parseStoredSpec(annotations?.[ANNOTATIONS.spec] ?? '', { id });
  return stored.problem === undefined ? stored.spec : undefined;
}

/** The record in a Service; undefined when it is not one of ours. */
export function recordOf(service: V1Service): ServiceRecord | undefined {
  const { name = '', labels, annotations = {}, uid = '', resourceVersion: version = '' } = service.metadata ?? {};
  const id = sessionOf(name, labels?.['session']);
  if (id === undefined) return undefined;
  const text = annotations[ANNOTATIONS.spec] ?? '';
  const user = annotations[ANNOTATIONS.user];
  const {
    spec,
    problem: specProblem,
    newer,
  } = parseStoredSpec(text, { id, ...(user && { user }), ...madeAt(service) });
  const said = annotations[ANNOTATIONS.phase];
  const phase = PHASES.find((known) => known === said);
  const term = annotations[ANNOTATIONS.term];
  const termProblem = isTerm(term) ? undefined : `its term is ${quoted(term)}`;
  const phaseProblem =
    phase === undefined ? `its phase is ${quoted(said)}, which this version does not know` : undefined;
  const problem = specProblem ?? phaseProblem ?? termProblem;
  const pod = annotations[ANNOTATIONS.pod] ?? '';
  const specLost = specProblem !== undefined;
  const kept = Object.fromEntries(
    Object.entries(annotations).filter(([key]) => key.startsWith(PREFIX) && !KNOWN.has(key)),
  );
  if (specLost || newer) kept[ANNOTATIONS.spec] = text;
  if (specLost && user !== undefined) kept[ANNOTATIONS.user] = user;
  const shown = problem !== undefined && phase !== 'deleting' ? 'unreadable' : phase!;
  const agent = labels?.['agent'] ?? '';
  return {
    id,
    // one that lost the label is found by its name only
    agent: agent === '' ? undefined : agent,
    spec,
    phase: shown,
    desired: DESIRED[shown],
    ...(problem !== undefined && { problem }),
    ...(specLost && { specLost }),
    ...(newer && { newer }),
    term: isTerm(term) ? Number(term) : 0,
    commandId: annotations[ANNOTATIONS.command] ?? '',
    reason: annotations[ANNOTATIONS.reason] ?? '',
    deleteHome: annotations[ANNOTATIONS.deleteHome] === 'true',
    pod: POD_NAME.test(pod) ? pod : name,
    since: annotations[ANNOTATIONS.since] ?? '',
    ...(Object.keys(kept).length > 0 && { kept }),
    uid,
    version,
  };
}

/** Whose Service it is by its name, which nobody can change; undefined: no session's. */
function sessionOf(name: string, label: string | undefined): string | undefined {
  const id = name.startsWith(SESSION) ? name.slice(SESSION.length) : '';
  return [label, id].find((each) => each !== undefined && each !== '' && sessionName(each) === name);
}

function madeAt({ metadata }: V1Service): { created_at: string } | undefined {
  const at: unknown = metadata?.creationTimestamp;
  return typeof at === 'string' ? { created_at: at } : undefined;
}

const isTerm = (text: string | undefined): text is string =>
  text !== undefined && /^\d{1,16}$/.test(text) && Number(text) <= MAX_TERM;

const quoted = (text: string | undefined): string => (text === undefined ? 'missing' : JSON.stringify(text));
