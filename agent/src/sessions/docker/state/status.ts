import type { SessionStatus } from '@streamspace/protocol';
import { isLive } from '../../core/record.ts';
import { unreadableReason } from '../../core/stored-spec.ts';
import type { ContainerSummary } from '../objects/engine-objects.ts';
import type { DockerRecord } from '../objects/record.ts';

const REASON_LIMIT = 4_096;

/** What to say of a session, or that its container's end has to be looked at first; undefined: nothing, it is gone or going. */
export function containerStatus(
  record: DockerRecord,
  container: Pick<ContainerSummary, 'State'> | undefined,
  busy: boolean,
): SessionStatus | 'ended' | undefined {
  const { spec, problem, desired, failure, instance } = record;
  if (problem !== undefined)
    return desired === 'deleted' || spec === undefined ? undefined : failedStatus(spec, unreadableReason(problem));
  if (!isLive(record)) return undefined;
  if (desired === 'hibernated') return { spec: record.spec, state: 'hibernated' };
  const starting = { spec: record.spec, state: 'starting' } as const;
  switch (container?.State) {
    case 'running':
      return { spec: record.spec, state: 'running' };
    case 'paused':
      return {
        spec: record.spec,
        state: 'running',
        reason: 'Its container is paused (docker pause): its screen stands still',
      };
    case 'restarting':
      return starting;
    case 'created':
      if (busy) return starting;
      return failedStatus(record.spec, failure?.instance === instance ? failure.reason : CUT_OFF);
    case undefined:
      if (busy) return starting;
      return failedStatus(record.spec, failure?.instance === instance ? failure.reason : GONE);
    default:
      return busy ? starting : 'ended';
  }
}

const CUT_OFF = 'It was not started: the agent ended before that';
const GONE = 'Its container was removed from outside, or never made because the agent ended before that';

export const failedStatus = (spec: SessionStatus['spec'], reason: string): SessionStatus => ({
  spec,
  state: 'failed',
  reason: reason.slice(0, REASON_LIMIT),
});
