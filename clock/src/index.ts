export type { Clock, Timer } from './clock.ts';
export { coalesce, coalesceEach } from './coalesce.ts';
export { type Attempt, hedged, type HedgeOptions, times } from './hedge.ts';
export { dateAt, iso, parseIso } from './iso.ts';
export { Outage, type OutageLog } from './outage.ts';
export { systemClock } from './system-clock.ts';
export { type Scope, scope } from './scope.ts';
export {
  abortable,
  deadline,
  DeadlineError,
  outcomeOf,
  pause,
  sleep,
  untilAborted,
  whenAborted,
  withDeadline,
} from './waiting.ts';
