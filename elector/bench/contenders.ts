import type { ReplicaSettings } from '../test/support/fleet.ts';

type Timings = Pick<ReplicaSettings, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;

/** An elector with its settings. */
export interface Contender {
  readonly name: string;
  readonly kind: 'ours' | 'client-go';
  readonly timings: Timings;
}

const timings = (lease: number, deadline: number, retry: number): Timings => ({
  leaseDurationMs: lease * 1000,
  renewDeadlineMs: deadline * 1000,
  retryPeriodMs: retry * 1000,
});

export const CONTENDERS: readonly Contender[] = [
  { name: 'client-go 15/10/2', kind: 'client-go', timings: timings(15, 10, 2) },
  { name: 'client-go 6/4/1', kind: 'client-go', timings: timings(6, 4, 1) },
  { name: 'ours 15/10/2', kind: 'ours', timings: timings(15, 10, 2) },
  { name: 'ours 6/4/1', kind: 'ours', timings: timings(6, 4, 1) },
  { name: 'ours 4/3/1.25', kind: 'ours', timings: timings(4, 3, 1.25) },
];
