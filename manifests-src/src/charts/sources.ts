import type { ChartSource } from './chart.ts';
import { streamspace } from './streamspace.ts';

/** All charts that are generated. */
export const SOURCES: readonly ChartSource[] = [streamspace()];
