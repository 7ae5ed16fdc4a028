import { rangeChecks } from '../objects/range-checks.ts';
import type { ChartSource } from './chart.ts';
import { k8sAgent } from './k8s-agent.ts';
import { streamspace } from './streamspace.ts';

const withRanges = (source: ChartSource): ChartSource => ({
  ...source,
  checks: [...rangeChecks(source.schema), ...source.checks],
});

/** All generated charts. */
export const SOURCES: readonly ChartSource[] = [streamspace(), k8sAgent()].map(withRanges);
