import type { Entry } from './history.ts';
import type { Figures } from './figures.ts';
import type { Stage } from './stage.ts';

/** Figures that have bounds. */
export type Measure = 'election' | 'failover' | 'silence' | 'viewer' | 'start';

/** A bound in milliseconds on one of the figures. */
export interface Bound {
  figure: Measure;
  ms: number;
}

/** One way to go wrong. Injections leave nothing broken behind. */
export interface Scenario {
  /** As in the list: H1 to H5, with a letter where there are several. */
  readonly id: string;
  readonly title: string;
  /** Asserted in every round. */
  readonly required: readonly Bound[];
  /** Reported, never asserted: p99 over the rounds. */
  readonly goals: readonly Bound[];
  /** What is to be so before the load begins. */
  prepare?(stage: Stage): Promise<void>;
  /** False: nobody serves before the injection. */
  readonly served?: boolean;
  /** Harms, and heals what would not heal by itself. */
  inject(stage: Stage): Promise<void>;
  /** What else is wrong with its history. */
  check?(history: readonly Entry[], figures: Figures): string[];
}
