import type { V1Node, V1Taint, V1Toleration } from '@kubernetes/client-node';
import type { CapacityBound } from '../core/capacity.ts';
import { parseQuantity } from './objects/quantity.ts';
import type { PodTemplate } from './objects/settings.ts';

/** Taints that every pod tolerates by default for a while: a node with one of them may be back soon. */
const PASSING = /^node\.kubernetes\.io\/(not-ready|unreachable)$/;

/**
 * The total resources for pods of the nodes that accept sessions. Other pods' share is not subtracted: the agent has no permission to
 * list all pods.
 */
export function nodesFor(nodes: readonly V1Node[], template: PodTemplate | undefined): Required<CapacityBound> {
  const spec = (template?.spec ?? {}) as { nodeSelector?: Record<string, string>; tolerations?: V1Toleration[] };
  const selector = Object.entries(spec.nodeSelector ?? {});
  const tolerations = spec.tolerations ?? [];
  const taken = nodes.filter(
    (node) =>
      node.spec?.unschedulable !== true &&
      node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true &&
      selector.every(([key, value]) => node.metadata?.labels?.[key] === value) &&
      (node.spec?.taints ?? []).every((taint) => tolerated(taint, tolerations)),
  );
  const sum = (name: string) =>
    taken.reduce((total, { status }) => total + parseQuantity(status?.allocatable?.[name] ?? '0'), 0);
  return { cpu: sum('cpu'), memory: sum('memory'), sessions: sum('pods') };
}

function tolerated(taint: V1Taint, tolerations: readonly V1Toleration[]): boolean {
  if (taint.effect === 'PreferNoSchedule' || PASSING.test(taint.key)) return true;
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}
