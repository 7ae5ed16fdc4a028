import type { KubeObject } from './kube.ts';
import type { Change, Component, LeaseEntry, PodEntry, RecordEntry } from '../history.ts';

/** Objects of the API server as entries of the history. Their keys are the agent's and the elector's public ones. */
const TERM_OF_LEASE = 'lease-elector/term';
const TERM = 'streamspace.io/term';
const PHASE = 'streamspace.io/phase';

const CHANGES: Readonly<Record<string, Change>> = {
  KNOWN: 'known',
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
};
export const changeOf = (type: string): Change => CHANGES[type] ?? 'modified';

const versionOf = ({ metadata }: KubeObject) => Number(metadata.resourceVersion);

export function leaseOf(change: Change, object: KubeObject): LeaseEntry {
  const spec = object.spec as { holderIdentity?: string; leaseTransitions?: number };
  return {
    kind: 'lease',
    change,
    holder: spec.holderIdentity ?? '',
    term: Number(object.metadata.annotations?.[TERM_OF_LEASE] ?? 0),
    transitions: spec.leaseTransitions ?? 0,
    version: versionOf(object),
  };
}

/** Undefined for a Service without a session. */
export function recordOf(change: Change, object: KubeObject): RecordEntry | undefined {
  const { labels = {}, annotations = {}, uid } = object.metadata;
  const session = labels['session'];
  if (labels['app'] !== 'session' || session === undefined) return undefined;
  const [term, phase] = [Number(annotations[TERM] ?? 0), annotations[PHASE] ?? ''];
  return { kind: 'record', change, session, uid, term, phase, version: versionOf(object) };
}

/** Undefined for a foreign pod. */
export function podOf(change: Change, object: KubeObject): PodEntry | undefined {
  const { name, uid, labels = {}, annotations = {}, deletionTimestamp } = object.metadata;
  const component = (labels['app'] === 'session' ? 'session' : labels['app.kubernetes.io/component']) as
    Component | undefined;
  if (component === undefined || !['session', 'k8s-agent', 'api', 'redis'].includes(component)) return undefined;
  const status = object.status as {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number }[];
  };
  return {
    kind: 'pod',
    change,
    name,
    uid,
    component,
    node: (object.spec as { nodeName?: string }).nodeName ?? '',
    phase: status.phase ?? '',
    ready: status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    deleting: deletionTimestamp !== undefined,
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    version: versionOf(object),
    ...(labels['session'] !== undefined && { session: labels['session'], term: Number(annotations[TERM] ?? 0) }),
  };
}
