import { SESSION_POD } from '@streamspace/settings';
import { bounded, digest, DIGITS, NAME_LIMIT } from '../../core/names.ts';

/** Keys of the project's annotations. */
export const ANNOTATIONS = SESSION_POD.annotations;

/** Name of the container that serves the screen, and of the port and volumes that this program adds. */
export const SESSION_CONTAINER = SESSION_POD.container;
export const SCREEN_PORT = 'vnc';
export const HOME_VOLUME = SESSION_POD.home;
/** Label of pods that wait for a session; its value is their template. */
export const WARM_LABEL = 'warm';

/**
 * Name of a session's Service, and of its Pod unless the pod came from the warm pool. An id may begin with a digit and have 63 characters; a
 * Service's name may not.
 */
export function sessionName(sessionId: string): string {
  const name = `session-${sessionId}`;
  return name.length <= NAME_LIMIT ? name : bounded('session-', sessionId, digest(DIGITS, sessionId));
}

/** Selects all objects of this agent's sessions. */
export const ownSelector = (agentId: string): string => `app=${SESSION_POD.app},agent=${agentId}`;
