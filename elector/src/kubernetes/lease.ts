import { iso, parseIso } from 'clock-port';
import type { LeaseRecord } from '../lock.ts';
import { termOf } from '../term.ts';

/** The fields of a `coordination.k8s.io/v1` Lease that this package reads. */
export interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences?: OwnerReference[];
  };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The annotation that holds the term, written in the same update as the holder. Other electors leave it unchanged. */
export const TERM_ANNOTATION = 'lease-elector/term';

/** The record in a Lease. A missing or malformed term counts as 0. */
export function leaseRecordOf({ metadata, spec = {} }: Lease): LeaseRecord {
  return {
    holder: spec.holderIdentity ?? '',
    term: termOf(metadata.annotations?.[TERM_ANNOTATION]),
    durationMs: (spec.leaseDurationSeconds ?? 0) * 1000,
    acquiredAt: normalised(spec.acquireTime),
    renewedAt: normalised(spec.renewTime),
    transitions: spec.leaseTransitions ?? 0,
  };
}

/** `base` with the record in it; everything else in it stays. */
export function withRecord(base: Lease, record: LeaseRecord): Lease {
  return {
    ...base,
    // items of a list lack both fields
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...base.metadata,
      annotations: { ...base.metadata.annotations, [TERM_ANNOTATION]: String(record.term) },
    },
    spec: {
      ...base.spec,
      holderIdentity: record.holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(record.durationMs / 1000)),
      acquireTime: micro(record.acquiredAt),
      renewTime: micro(record.renewedAt),
      leaseTransitions: record.transitions,
    },
  };
}

/** Kubernetes' MicroTime takes exactly six digits. */
function micro(time: string): string | null {
  const ms = parseIso(time);
  return Number.isNaN(ms) ? null : iso(ms).replace('Z', '000Z');
}

function normalised(time: string | null | undefined): string {
  const ms = parseIso(time ?? '');
  return Number.isNaN(ms) ? '' : iso(ms);
}
