import type { AuditAction, AuditEntry } from '@streamspace/protocol';

/** What the actor did, for an entry and for the choice of a filter. */
const DEEDS: Readonly<Record<AuditAction, string>> = {
  'session.create': 'created',
  'session.rename': 'renamed',
  'session.hibernate': 'hibernated',
  'session.wake': 'woke',
  'session.delete': 'deleted',
  'session.keep-awake': 'kept awake',
  'ticket.make': 'got a ticket for the screen of',
  'screen.open': 'opened the screen of',
  'screen.close': 'closed the screen of',
  'agent.change': 'changed',
  'agent.list': 'had listed the sessions of',
  'agent.enrolment': 'made an enrolment token for',
  'agent.enrol': 'enrolled',
  'agent.rotate': 'rotated the credential of',
  'agent.revoke': 'revoked the credential of',
  'sign-in': 'signed in',
  'sign-out': 'ended',
  'user.disable': 'disabled',
  'user.enable': 'enabled',
};

/** “root, as admin, opened the screen of session s-1 (company:ann’s)”. */
export function deedOf({ actor, admin, action, subject, owner }: AuditEntry): string {
  const [kind = '', ...rest] = (subject ?? '').split('/');
  const what = subject === null ? (action === 'agent.enrolment' ? 'any agent' : '') : `${kind} ${rest.join('/')}`;
  const whose = owner !== null && owner !== actor && kind !== 'user' ? ` (${owner}’s)` : '';
  return `${actor ?? 'Somebody'}${admin ? ', as admin,' : ''} ${DEEDS[action]} ${what}${whose}`.trim();
}

/** An action as a choice: “opened the screen of …”. */
export const choiceOf = (action: AuditAction): string =>
  action === 'sign-in' ? 'signed in' : action === 'sign-out' ? 'signed out' : `${DEEDS[action]} …`;
