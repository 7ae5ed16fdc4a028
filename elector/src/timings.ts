/** Largest factor on a retry period: periods are jittered so that replicas do not run in step. */
export const JITTER = 1.2;

/** All in milliseconds. */
export interface Timings {
  /** Validity of a lease after its last renewal. Failover after a silent death takes about this long. */
  readonly leaseDurationMs: number;
  /** Longest time without a successful renewal before the leader stops (with `onLoseSight: 'stop'`). */
  readonly renewDeadlineMs: number;
  /** Time between two renewals of the leader. */
  readonly retryPeriodMs: number;
}

/** All faults of the timings, in words; empty if they fit together. */
export function timingProblems({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: Timings): string[] {
  const problems: string[] = [];
  if (!(retryPeriodMs > 0)) problems.push(`retry period (${retryPeriodMs} ms) must be greater than 0`);
  if (!(renewDeadlineMs > retryPeriodMs * JITTER))
    problems.push(
      `renew deadline (${renewDeadlineMs} ms) must be greater than the retry period × ${JITTER} (${retryPeriodMs * JITTER} ms)`,
    );
  if (!(leaseDurationMs > renewDeadlineMs))
    problems.push(
      `lease duration (${leaseDurationMs} ms) must be greater than the renew deadline (${renewDeadlineMs} ms)`,
    );
  return problems;
}
