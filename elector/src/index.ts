export { Elector, type ElectorStatus } from './elector.ts';
export type { ElectorOptions } from './options.ts';
export type { ElectionReason, ElectorEvents, Listener, LossReason } from './events.ts';
export { NotLeadingError, type Leading } from './leadership.ts';
export { ConflictError, LockError, type Candidate, type LeaseRecord, type LeaseState, type Lock } from './lock.ts';
export { MAX_TERM } from './term.ts';
export { timingProblems, type Timings } from './timings.ts';
