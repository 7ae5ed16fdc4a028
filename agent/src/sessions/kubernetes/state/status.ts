import type { V1Pod } from '@kubernetes/client-node';
import type { SessionStatus } from '@streamspace/protocol';
import { unreadableReason } from '../../core/stored-spec.ts';
import type { ServiceRecord } from '../objects/record.ts';
import { type Diagnosis, reasonFor } from './reason.ts';

const REASON_LIMIT = 4096;

/** The status to report for a session. `diagnosis`: given if more is known than the pod shows. */
export function statusFor(
  record: ServiceRecord,
  pod: V1Pod | undefined,
  diagnosis: Diagnosis | undefined = pod === undefined ? undefined : reasonFor(pod),
): SessionStatus {
  const { spec } = record;
  const status = (state: SessionStatus['state'], reason: string): SessionStatus => ({
    spec,
    state,
    ...(reason !== '' && { reason: reason.slice(0, REASON_LIMIT) }),
  });
  switch (record.phase) {
    case 'deleting':
      // a delete in progress reports no status; this status is for a delete that was given up
      return status('failed', deletingReason(pod));
    case 'hibernated':
      return status('hibernated', '');
    case 'unreadable':
      return status('failed', unreadableReason(record.problem ?? ''));
    case 'failed':
      return status('failed', record.reason);
    case 'creating':
    case 'waking':
      // a pod of an earlier start does not count
      if (diagnosis === undefined || pod?.metadata?.deletionTimestamp !== undefined) return status('starting', '');
      return status(diagnosis.state, diagnosis.reason);
    case 'running':
      if (diagnosis === undefined) return status('failed', 'Its pod was deleted from outside');
      // a reason from the start stays valid until the session stops
      if (diagnosis.state === 'running') return status('running', record.reason);
      return status('failed', diagnosis.reason);
  }
}

function deletingReason(pod: V1Pod | undefined): string {
  const { name = '', finalizers = [] } = pod?.metadata ?? {};
  if (pod === undefined) return 'It is being deleted';
  const what = finalizers.length > 0 ? `has the finalizers ${finalizers.join(', ')}` : 'has not ended yet';
  return `It is being deleted: its pod ${name} ${what}`;
}
