import type { ChartSource } from './chart.ts';
import { k8sAgent } from './k8s-agent.ts';
import { streamspace } from './streamspace.ts';

/** All charts that are generated. */
export const SOURCES: readonly ChartSource[] = [streamspace(), k8sAgent()];
