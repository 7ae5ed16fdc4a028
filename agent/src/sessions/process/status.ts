import type { SessionStatus } from '@streamspace/protocol';
import type { Live } from '../core/record.ts';
import { unreadableReason } from '../core/stored-spec.ts';
import type { HostReport } from './hosts.ts';
import type { VersionedRecord } from '../core/record-text.ts';

/** The status to report for a session, from the state that its record wants and its host's report. `busy`: an operation on it is running. */
export function statusOf({ spec, desired }: Live<VersionedRecord>, report: HostReport, busy: boolean): SessionStatus {
  if (desired === 'hibernated') return { spec, state: 'hibernated' };
  switch (report.state) {
    case 'running':
      return { spec, state: 'running' };
    case 'starting':
      return { spec, state: 'starting' };
    case 'silent':
      return { spec, state: 'starting', reason: 'Its session host does not answer yet' };
    case 'unborn':
      return busy
        ? { spec, state: 'starting' }
        : { spec, state: 'failed', reason: 'It was not started: the agent ended before that' };
    default:
      return busy
        ? { spec, state: 'starting' }
        : { spec, state: 'failed', reason: report.reason || 'It was stopped from outside' };
  }
}

/** The status to report for a session with an unreadable record, whether or not it runs; undefined: it is being deleted. */
export function unreadableStatus({ spec, problem, desired }: VersionedRecord): SessionStatus | undefined {
  if (desired === 'deleted' || spec === undefined) return undefined;
  return { spec, state: 'failed', reason: unreadableReason(problem ?? '') };
}
