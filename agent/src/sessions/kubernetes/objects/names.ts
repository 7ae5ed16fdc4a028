import { createHash } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';
import { SESSION_POD } from '@streamspace/settings';

/** Keys of our annotations. */
export const ANNOTATIONS = SESSION_POD.annotations;

/** Name of the container that serves the screen, and of the port and the volumes that are ours. */
export const SESSION_CONTAINER = SESSION_POD.container;
export const SCREEN_PORT = 'vnc';
export const HOME_VOLUME = SESSION_POD.home;
/** Label of pods that wait for a session: the template that they are for. */
export const WARM_LABEL = 'warm';

const NAME_LIMIT = 63;

/** Hexadecimal digits of a hash that tells names apart: 40 bits where a collision only confuses. */
const DIGITS = 10;
/** 80 bits where a collision would give one user's files to another who looked for it. */
const HOME_DIGITS = 20;

const digest = (digits: number, ...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, digits);

/** At most 63 characters; what was cut off, or changed, is kept apart by a hash of the whole. */
function bounded(prefix: string, readable: string, hash: string): string {
  const room = NAME_LIMIT - prefix.length - hash.length - 1;
  const head = readable.slice(0, room).replace(/[-_.]+$/, '');
  return head === '' ? `${prefix}${hash}` : `${prefix}${head}-${hash}`;
}

/** Name of a session's Service, and of its Pod unless that was taken from the warm pool. An id may begin with a digit and have 63 characters; a Service's name may not. */
export function sessionName(sessionId: string): string {
  const name = `session-${sessionId}`;
  return name.length <= NAME_LIMIT ? name : bounded('session-', sessionId, digest(DIGITS, sessionId));
}

/** Whose a home is: all of a user's sessions of a template have the same. */
export type HomeOwner = Pick<SessionSpec, 'user' | 'template'>;

/** Name of the PersistentVolumeClaim that is made for the user's home in this template. */
export const homeName = (owner: HomeOwner): string => homeNameOf(owner, HOME_DIGITS);

/** Its name if an earlier version made it: two owners may have the same, so whoever finds one compares its owner. */
export const oldHomeName = (owner: HomeOwner): string => homeNameOf(owner, DIGITS);

function homeNameOf({ user, template }: HomeOwner, digits: number): string {
  const readable = `${user
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 24)}-${template}`;
  return bounded('home-', readable.replace(/^-+/, ''), digest(digits, user, template));
}

/** Name of a pod that waits for a session of the template; `unique`: ten or so characters that no other one has. */
export const warmName = (template: string, unique: string): string => bounded('warm-', template, unique);

/** Any text as the value of a label; what is one already stays as it is. */
export function labelValue(text: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text)) return text;
  return bounded('', text.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-_.]+/, ''), digest(DIGITS, text));
}

/** Labels of a session's objects (spec §7). */
export function sessionLabels(spec: Pick<SessionSpec, 'id' | 'user'>, agentId: string): Record<string, string> {
  return { app: 'session', agent: agentId, session: spec.id, user: labelValue(spec.user) };
}

/** Selects everything that this agent's sessions are made of. */
export const ownSelector = (agentId: string): string => `app=session,agent=${agentId}`;
