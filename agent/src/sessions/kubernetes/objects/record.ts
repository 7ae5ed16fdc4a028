import { MAX_TERM, type SessionSpec } from '@streamspace/protocol';
import type { V1Service } from '@kubernetes/client-node';
import type { KubeObject } from 'kube-client';
import type { Desired, SessionRecord } from '../../core/record.ts';
import { parseStoredSpec } from '../../core/stored-spec.ts';
import { ANNOTATIONS, sessionName } from './names.ts';

/**
 * The desired state of a session and the progress towards it. A `creating` session has never run; a `waking` one has, and goes back to
 * `hibernated` when the start can't be finished; `hibernated` and `deleting` are written before the pod is removed.
 */
export const PHASES = ['creating', 'waking', 'running', 'hibernated', 'failed', 'deleting'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * The record of a session, kept in the annotations of its Service. The Service is made first, survives hibernation, and is removed last; pods
 * come and go.
 */
export interface ServiceDraft {
  readonly spec: SessionSpec;
  readonly phase: Phase;
  /** The last command that changed the record, and the term of the leader that executed it. */
  readonly commandId: string;
  readonly term: number;
  /** The reason of a failure. */
  readonly reason: string;
  /** For phase `deleting`: whether the home is removed too. */
  readonly deleteHome: boolean;
  /** Name of the session's pod, whether or not the pod exists now: a pod of the warm pool if the session began with one. */
  readonly pod: string;
  /** When the phase began, RFC 3339. */
  readonly since: string;
  /** Annotations that stay unchanged: those that only newer versions know, and the text of the spec if it has more fields than `spec`. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** A record as stored in the cluster; a conditional write names its `uid` and `version`. */
export interface ServiceRecord extends Omit<ServiceDraft, 'phase'>, SessionRecord {
  readonly spec: SessionSpec;
  /** `unreadable`: see `problem`. A delete continues even if the rest of its record can't be read. */
  readonly phase: Phase | 'unreadable';
  readonly uid: string;
  readonly version: string;
}

/** The desired state for each phase. */
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

/** The spec in an object of this program; undefined when there is no readable one. */
export function specOf(object: KubeObject): SessionSpec | undefined {
  const { name = '', annotations, labels } = object.metadata ?? {};
  const id = labels?.['session'] ?? name.slice(SESSION.length);
  const stored = parseStoredSpec(annotations?.[ANNOTATIONS.spec] ?? '', { id });
  return stored.problem === undefined ? stored.spec : undefined;
}

/** The record in a Service; undefined for a Service of other programs. */
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
    // a Service that lost the label is found by its name only
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

/** The id of the session whose Service has this name, which can't change; undefined: the name is no session's. */
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
