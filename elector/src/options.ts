import type { Clock } from 'clock-port';
import type { Lock } from './lock.ts';
import { timingProblems, type Timings } from './timings.ts';

export interface ElectorOptions extends Timings {
  readonly lock: Lock;
  readonly clock: Clock;
  /**
   * Who this is in the lease. No two processes that live at the same time may share it: let it hold a pod's uid, a process' start time, or
   * something random. One that finds its own identity in the lease takes it anew at once, with a greater term.
   */
  readonly identity: string;
  /** Uniform in [0, 1). Default: Math.random. */
  readonly random?: () => number;
  /** A term that the next one must exceed, besides all those seen in the lease: what the caller has kept elsewhere. */
  readonly termFloor?: () => number;
  /**
   * `stop` (default): leadership ends when it could not be renewed for the renew deadline. `keep-until-superseded`: it ends only when
   * another holder or a greater term was seen. For those whose actions are fenced by the term: an outage of the lock then costs nothing.
   */
  readonly onLoseSight?: 'stop' | 'keep-until-superseded';
  /**
   * How long this replica leaves a free lease to the others, milliseconds; asked whenever there is one. For a replica that could lead but not serve
   * as well as they could. Default: 0.
   */
  readonly hesitationMs?: () => number;
  /** Called when leadership is given up at will, before the lease is released: finish what must be finished. */
  readonly onStop?: () => Promise<void>;
  /** How long `onStop` may take, milliseconds; then the lease is released anyway. Default 10,000. */
  readonly stopTimeoutMs?: number;
  /** How often a standby reads the lease although its watch looks well, milliseconds. Default 2.5 lease durations. */
  readonly pollPeriodMs?: number;
}

export type ElectorSettings = Required<Omit<ElectorOptions, 'onStop'>> & Pick<ElectorOptions, 'onStop'>;

/** Fills in the defaults. Throws a RangeError that names everything that is wrong. */
export function settingsOf(options: ElectorOptions): ElectorSettings {
  const problems = timingProblems(options);
  if (options.identity === '') problems.push('identity must not be empty');
  if (problems.length > 0) throw new RangeError(`elector: ${problems.join('; ')}`);
  return {
    ...options,
    random: options.random ?? Math.random,
    termFloor: options.termFloor ?? (() => 0),
    hesitationMs: options.hesitationMs ?? (() => 0),
    onLoseSight: options.onLoseSight ?? 'stop',
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
    pollPeriodMs: options.pollPeriodMs ?? options.leaseDurationMs * 2.5,
  };
}
