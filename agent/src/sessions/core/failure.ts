import { StreamSpaceError } from '@streamspace/protocol';

/** Kinds of failures for programs [ERR2]; the reason is for people. */
export type FailureCode =
  /** No room: on the nodes, in the host, in the region. */
  | 'capacity'
  /** A limit set by an operator is used up. */
  | 'quota'
  | 'image'
  /** The agent or the session lacks a permission. */
  | 'permission'
  | 'throttled'
  | 'network'
  /** The session runs, but its screen or its guest program does not answer. */
  | 'guest_silent'
  /** The platform took away the machine or node of the session. */
  | 'preempted'
  | 'locked'
  /** The home is not available yet. */
  | 'home_busy'
  /** The session's program ended by itself, or was ended because it used too much. */
  | 'exited';

/** The cause that keeps a session from running: words for its user, and the kind where it is known. */
export interface Failure {
  readonly reason: string;
  readonly code?: FailureCode | undefined;
}

/** The error to throw for a failure. */
export const failed = ({ reason, code }: Failure, options?: ErrorOptions): StreamSpaceError =>
  new StreamSpaceError('driver_failed', reason, kindOf(code), options);

/** The kind, as `details` of an error. */
export const kindOf = (failure: FailureCode | undefined): { failure?: FailureCode } =>
  failure === undefined ? {} : { failure };
