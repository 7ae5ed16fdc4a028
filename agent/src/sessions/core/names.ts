import { createHash } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';
import { SESSION_POD } from '@streamspace/settings';

export const NAME_LIMIT = 63;

/** Hexadecimal digits of a hash that distinguishes names: 40 bits where a collision only confuses. */
export const DIGITS = 10;
/** 80 bits where a collision, which a user can search for, would give that user the files of another. */
const HOME_DIGITS = 20;

export const digest = (digits: number, ...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, digits);

/** At most 63 characters; names that were shortened or changed differ by a hash of the whole name. */
export function bounded(prefix: string, readable: string, hash: string): string {
  const room = NAME_LIMIT - prefix.length - hash.length - 1;
  const head = readable.slice(0, room).replace(/[-_.]+$/, '');
  return head === '' ? `${prefix}${hash}` : `${prefix}${head}-${hash}`;
}

/** The owner of a home: all sessions of one user from one template share it. */
export type HomeOwner = Pick<SessionSpec, 'user' | 'template'>;

/** Name of the PersistentVolumeClaim that is made for the user's home in this template. */
export const homeName = (owner: HomeOwner): string => homeNameOf(owner, HOME_DIGITS);

/** The name that an earlier version gave the claim. Two owners may have the same name, so readers must compare the claim's owner. */
export const oldHomeName = (owner: HomeOwner): string => homeNameOf(owner, DIGITS);

function homeNameOf({ user, template }: HomeOwner, digits: number): string {
  const readable = `${user
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 24)}-${template}`;
  return bounded('home-', readable.replace(/^-+/, ''), digest(digits, user, template));
}

/** Any text as the value of a label; a text that is a valid value stays as it is. */
export function labelValue(text: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text)) return text;
  return bounded('', text.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-_.]+/, ''), digest(DIGITS, text));
}

/** Name of a pod or container that waits for a session of the template; `unique`: about ten characters that no other such name has. */
export const warmName = (template: string, unique: string): string => bounded('warm-', template, unique);

/** Labels of what runs a session, on every platform that has labels (spec §7). */
export function sessionLabels({ id, user }: Pick<SessionSpec, 'id' | 'user'>, agentId: string): Record<string, string> {
  return { app: SESSION_POD.app, agent: agentId, session: id, user: labelValue(user) };
}
