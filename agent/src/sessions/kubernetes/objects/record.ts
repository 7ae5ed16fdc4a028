import { SessionSpec } from '@streamspace/protocol';
import type { V1Service } from '@kubernetes/client-node';
import { Compile } from 'typebox/compile';
import type { KubeObject } from '../api/client.ts';
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
export interface SessionRecord {
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
}

/** A record as it stands in the cluster; `uid` and `version` are what a conditional write names. */
export interface StoredRecord extends SessionRecord {
  readonly uid: string;
  readonly version: string;
  readonly agent: string;
}

export function recordAnnotations(record: SessionRecord): Record<string, string> {
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
  };
}

const specCheck = Compile(SessionSpec);

/** The spec that an object of ours carries; undefined when there is none that can be read. */
export function specOf(object: KubeObject): SessionSpec | undefined {
  try {
    const spec: unknown = JSON.parse(object.metadata?.annotations?.[ANNOTATIONS.spec] ?? '');
    return specCheck.Check(spec) ? spec : undefined;
  } catch {
    return undefined;
  }
}

/** The record in a Service; undefined when it is not one of ours. */
export function recordOf(service: V1Service): StoredRecord | undefined {
  const spec = specOf(service as KubeObject);
  const annotations = service.metadata?.annotations ?? {};
  const term = Number(annotations[ANNOTATIONS.term]);
  const phase = PHASES.find((known) => known === annotations[ANNOTATIONS.phase]);
  if (spec === undefined || phase === undefined || !Number.isSafeInteger(term)) return undefined;
  return {
    spec,
    phase,
    term,
    commandId: annotations[ANNOTATIONS.command] ?? '',
    reason: annotations[ANNOTATIONS.reason] ?? '',
    deleteHome: annotations[ANNOTATIONS.deleteHome] === 'true',
    pod: annotations[ANNOTATIONS.pod] ?? sessionName(spec.id),
    since: annotations[ANNOTATIONS.since] ?? '',
    uid: service.metadata?.uid ?? '',
    version: service.metadata?.resourceVersion ?? '',
    agent: service.metadata?.labels?.['agent'] ?? '',
  };
}
