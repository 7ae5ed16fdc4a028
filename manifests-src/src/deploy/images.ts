import { VERSION } from '../charts/version.ts';
import { StreamspaceValues } from '../values/streamspace.ts';
import type { StreamspaceValues as Values } from '../values/streamspace.ts';
import { defaultsOf, type ValueSchema } from '../values/tree.ts';

/** The chart's defaults: other ways to install have the same images, users and limits. */
export const CHART = defaultsOf(StreamspaceValues as ValueSchema) as Values;

const nameOf = ({ repository, tag }: Values['api']['image']): string => `${repository}:${tag === '' ? `\${STREAMSPACE_VERSION:-${VERSION}}` : tag}`;

/** Images by the chart's names. */
export const IMAGES = {
  hub: nameOf(CHART.api.image),
  agent: nameOf(CHART.k8sAgent.image),
  store: nameOf(CHART.redis.image),
} as const;

/** Kubernetes' quantity in bytes as Docker writes it, e.g. 512m. */
const memoryOf = (quantity: string): string => quantity.replace('Mi', 'm').replace('Gi', 'g');

/** Memory limit of a workload of the chart. */
export function memoryLimit({ resources }: { readonly resources: object }): string {
  const { limits } = resources as { limits: { memory: string } };
  return memoryOf(limits.memory);
}
