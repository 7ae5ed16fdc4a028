import type { Entry } from './history.ts';
import type { Figures } from './figures.ts';
import type { Platform } from './platform.ts';
import type { Stage } from './stage.ts';

/** Figures with bounds. */
export type Measure = 'election' | 'failover' | 'silence' | 'viewer' | 'start';

/** A bound in milliseconds on one of the figures. */
export interface Bound {
  figure: Measure;
  ms: number;
}

/** One kind of fault; `P`: the platforms on which it can be injected. Injections leave nothing broken behind. */
export interface Scenario<P extends Platform = Platform> {
  /** H1 to H5, with a letter if there are several. */
  readonly id: string;
  readonly title: string;
  /** Asserted in every round. */
  readonly required: readonly Bound[];
  /** Reported, never asserted: p99 over the rounds. */
  readonly goals: readonly Bound[];
  /** Preparation before the load begins. */
  prepare?(stage: Stage<P>): Promise<void>;
  /** False: no replica serves before the injection. */
  readonly served?: boolean;
  /** Injects the fault, and repairs what does not recover by itself. */
  inject(stage: Stage<P>): Promise<void>;
  /** Further faults of its history. */
  check?(history: readonly Entry[], figures: Figures): string[];
}
