import type { SessionStatus } from '@streamspace/protocol';
import { isLive } from '../../../core/record.ts';
import { unreadableReason } from '../../../core/stored-spec.ts';
import { failedStatus } from '../../state/status.ts';
import { isApplied, type SwarmRecord } from '../objects/record.ts';
import type { TaskObject } from '../objects/swarm-objects.ts';
import { isDisplaced, isOver } from './tasks.ts';

/**
 * What to say of a session, or that the end of its task has to be looked at first; undefined: nothing, it is gone or going. `task`: of the
 * record's start.
 */
export function taskStatus(
  record: SwarmRecord,
  task: TaskObject | undefined,
  busy: boolean,
): SessionStatus | 'displaced' | 'ended' | undefined {
  const { spec, problem, desired, failure, instance } = record;
  if (problem !== undefined)
    return desired === 'deleted' || spec === undefined ? undefined : failedStatus(spec, unreadableReason(problem));
  if (!isLive(record)) return undefined;
  if (desired === 'hibernated') return { spec: record.spec, state: 'hibernated' };
  const starting = { spec: record.spec, state: 'starting' } as const;
  if (!isApplied(record)) {
    if (busy) return starting;
    return failedStatus(record.spec, failure?.instance === instance ? failure.reason : GONE);
  }
  if (task === undefined) return starting;
  if (isOver(task)) {
    if (busy) return starting;
    return isDisplaced(task) ? 'displaced' : 'ended';
  }
  return task.Status.State === 'running' ? { spec: record.spec, state: 'running' } : starting;
}

const GONE = 'Its service was scaled to nothing from outside, or not started because the agent ended before that';
