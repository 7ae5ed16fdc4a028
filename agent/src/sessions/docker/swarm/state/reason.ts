import { withDeadline } from 'clock-port';
import type { Failure } from '../../../core/failure.ts';
import { inspectEnd, outputOf } from '../../engine/containers.ts';
import { EngineError } from '../../engine/error.ts';
import type { ContainerDetails } from '../../objects/engine-objects.ts';
import { endOf, engineRefusal } from '../../state/reason.ts';
import type { NodeObject, TaskObject } from '../objects/swarm-objects.ts';
import type { SwarmDriverOptions } from '../options.ts';
import type { Services } from '../services.ts';
import { nodeName } from './tasks.ts';

/** Milliseconds that a node has to tell the last lines of a program. */
const LOG_MS = 5_000;

/** What a task waits for. */
export function waitOf(task: TaskObject, nodes: readonly NodeObject[]): Failure {
  const { State, Err } = task.Status;
  if (task.NodeID === undefined || task.NodeID === '')
    return Err === undefined || Err === ''
      ? { reason: 'The swarm has not found a node for it yet' }
      : { reason: `No node of the swarm can take it: ${Err}`, code: 'capacity' };
  const node = nodeName(task.NodeID, nodes);
  if (State === 'preparing') return { reason: `Node ${node} prepares it, and pulls its image if it has to` };
  return { reason: `Node ${node} has not started it yet` };
}

/** Why a task has ended, with the program's last lines where they can be had. */
export async function endOfTask(
  { engine, clock }: SwarmDriverOptions,
  services: Services,
  task: TaskObject,
  signal: AbortSignal,
): Promise<Failure> {
  const { ContainerStatus, Err = '', State } = task.Status;
  const { Image } = task.Spec.ContainerSpec;
  const id = ContainerStatus?.ContainerID;
  if (id !== undefined && (State === 'complete' || /non-zero exit/.test(Err))) {
    const own =
      task.NodeID === (await services.ownNode(signal)) ? await inspectEnd(engine, clock, id, signal) : undefined;
    const limit = task.Spec.Resources?.Limits?.MemoryBytes ?? 0;
    const known = { OOMKilled: false, ExitCode: ContainerStatus?.ExitCode ?? 0, Status: 'exited' as const };
    const ended: ContainerDetails = {
      Id: id,
      Name: '',
      Config: { Labels: {}, Image },
      NetworkSettings: {},
      State: { ...known, ...own?.State, Error: '' },
      HostConfig: { Memory: limit },
    };
    const path = own === undefined ? `/tasks/${task.ID}` : `/containers/${id}`;
    return { reason: endOf(ended, await lines(path), 'docker'), code: 'exited' };
  }
  if (/no such image/i.test(Err))
    return {
      reason: `Image ${Image} is not on the node, and could not be pulled there: its name may be wrong, its registry away, or docker login is needed on the agent’s host`,
      code: 'image',
    };
  if (Err === '') return { reason: `The swarm ended it (${State})` };
  return engineRefusal(new EngineError(500, Err), Image);

  async function lines(path: string): Promise<string> {
    try {
      return await withDeadline(clock, LOG_MS, 'log', signal, (limit) => outputOf(engine, path, limit));
    } catch {
      signal.throwIfAborted();
      return '';
    }
  }
}
