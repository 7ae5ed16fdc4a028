import { StreamSpaceError } from '@streamspace/protocol';

/** Kinds of failures that a program may tell apart [ERR2]; people have the reason. */
export type FailureCode =
  /** No room: on the nodes, in the host, in the region. */
  | 'capacity'
  /** A bound that an operator set is used up. */
  | 'quota'
  | 'image'
  /** The agent, or the session, is not allowed to. */
  | 'permission'
  | 'throttled'
  | 'network'
  /** It runs, and its screen or its guest program does not answer. */
  | 'guest_silent'
  /** The platform took away what it ran on. */
  | 'preempted'
  | 'locked'
  /** The home can't be had yet. */
  | 'home_busy'
  /** Its program ended by itself, or was ended for using too much. */
  | 'exited';

/** What keeps a session from running: in words for its user, and its kind where that is known. */
export interface Failure {
  readonly reason: string;
  readonly code?: FailureCode | undefined;
}

/** What is thrown for it. */
export const failed = ({ reason, code }: Failure, options?: ErrorOptions): StreamSpaceError =>
  new StreamSpaceError('driver_failed', reason, kindOf(code), options);

/** As `details` of an error. */
export const kindOf = (failure: FailureCode | undefined): { failure?: FailureCode } =>
  failure === undefined ? {} : { failure };
