/** How much longer than its period a retry may wait: periods are jittered so that replicas do not move in step. */
export const JITTER = 1.2;

/** All in milliseconds. */
export interface Timings {
  /** How long a lease is good for after its last renewal. Failover after a silent death takes about this long. */
  readonly leaseDurationMs: number;
  /** How long the leader goes on trying to renew before it stops (where losing sight of the lock stops it). */
  readonly renewDeadlineMs: number;
  /** How often the leader renews. */
  readonly retryPeriodMs: number;
}

/** Everything that is wrong with the timings, in words; empty when they fit together. */
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
