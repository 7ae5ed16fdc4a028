import { startOfTemplate } from '../objects/record.ts';
import { type NodeObject, TASK_STATES, type TaskObject, type TaskState } from '../objects/swarm-objects.ts';

const rank = (state: TaskState): number => TASK_STATES.indexOf(state);

/** Whether it runs, or may still run. */
export const isAlive = ({ Status }: TaskObject): boolean => rank(Status.State) <= rank('running');

/** Whether the swarm wants it to run. */
const isWanted = ({ DesiredState }: TaskObject): boolean => rank(DesiredState) <= rank('running');

/** Whether the swarm ends it, or has ended it, though its program did not end by itself: its node was drained, or is lost. */
export const isDisplaced = (task: TaskObject): boolean =>
  !isWanted(task) && (isAlive(task) || ['shutdown', 'remove', 'orphaned'].includes(task.Status.State));

/** Whether it has ended, or is about to. */
export const isOver = (task: TaskObject): boolean => !isAlive(task) || !isWanted(task);

/** The last task of that start; undefined: the swarm has not made it yet. */
export function taskOf(start: number, tasks: readonly TaskObject[]): TaskObject | undefined {
  const own = tasks.filter(({ Spec }) => startOfTemplate(Spec) === start);
  const [last] = own.toSorted((a, b) => (a.CreatedAt > b.CreatedAt ? -1 : 1));
  return last;
}

/** Whether nothing will ever be heard of it: its node is down, or was removed. */
export function isLost({ NodeID }: TaskObject, nodes: readonly NodeObject[]): boolean {
  if (NodeID === undefined || NodeID === '') return false;
  const node = nodes.find(({ ID }) => ID === NodeID);
  return node === undefined || node.Status.State === 'down';
}

/** Why a node runs no sessions, in words that follow its name; undefined: it does. */
export function troubleOf(node: NodeObject | undefined): string | undefined {
  if (node === undefined) return 'is no longer in the swarm';
  if (node.Status.State !== 'ready') return `is ${node.Status.State}`;
  return node.Spec.Availability === 'active' ? undefined : `is set to ${node.Spec.Availability}`;
}

/** A node's name for people. */
export const nodeName = (id: string | undefined, nodes: readonly NodeObject[]): string =>
  nodes.find(({ ID }) => ID === id)?.Description.Hostname ?? id ?? 'of none';
