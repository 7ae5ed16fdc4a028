import { StreamSpaceError, type Ticket } from '@streamspace/protocol';
import { type Clock, iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import { basePathOf } from '../http/base-path.ts';
import type { Store, TicketRecord } from '../store/store.ts';
import type { DisabledUsers } from '../sign-in/disabled-users.ts';
import { tokenExpired } from '../tunnel/timers.ts';
import { sha256Hex } from './secrets.ts';

/** A new ticket [VIEW2]: single use, bound to session and user, no longer valid than the token that it is from. Rejects with `unauthenticated` when that has expired. */
export async function makeTicket(
  { store, config, clock, randomBytes }: Pick<HubDeps, 'store' | 'config' | 'clock' | 'randomBytes'>,
  record: TicketRecord & { expires: number },
): Promise<Ticket> {
  const ticket = randomBytes(32).toString('base64url');
  const now = clock.now();
  const ttlMs = Math.min(config.ticketTtlMs, record.expires - now);
  // the few seconds for which a token is taken after its end are for clocks that differ
  if (ttlMs <= 0) throw tokenExpired();
  await store.tickets.put(sha256Hex(ticket), record, ttlMs);
  return {
    ticket,
    expires_at: iso(now + ttlMs),
    url: `${basePathOf(config.publicUrl)}/api/v1/sessions/${record.session}/vnc?ticket=${ticket}`,
  };
}

/** Uses up a viewer's ticket. Rejects with `ticket_invalid` when it is unknown, used, expired (or its token or sign-in is), or for another session. */
export async function takeTicket(
  { store, clock, disabled }: { store: Pick<Store, 'tickets' | 'signIns'>; clock: Clock; disabled: DisabledUsers },
  ticket: string | undefined,
  sessionId: string,
): Promise<TicketRecord> {
  const remedy = `get a new one (POST /api/v1/sessions/${sessionId}/ticket)`;
  if (ticket === undefined || ticket === '')
    throw new StreamSpaceError('ticket_invalid', `the viewer sent no ticket: ${remedy}`);
  const record = ticket.length > 512 ? undefined : await store.tickets.take(sha256Hex(ticket));
  if (record === undefined)
    throw new StreamSpaceError('ticket_invalid', `the ticket is unknown, used or expired: ${remedy}`);
  if (record.session !== sessionId)
    throw new StreamSpaceError('ticket_invalid', `the ticket is for another session: ${remedy}`);
  if (await disabled.has(record.user))
    throw new StreamSpaceError('ticket_invalid', `the ticket's user is disabled: an admin can enable the user again`);
  if (record.signIn !== undefined) {
    const signIn = await store.signIns.get(record.signIn);
    if (signIn === undefined || signIn.expires <= clock.now())
      throw new StreamSpaceError(
        'ticket_invalid',
        `the sign-in that made the ticket has ended: sign in, and ${remedy}`,
      );
    return { ...record, expires: signIn.expires };
  }
  if (record.expires !== undefined && record.expires <= clock.now())
    throw new StreamSpaceError('ticket_invalid', `the token that made the ticket has expired: sign in, and ${remedy}`);
  return record;
}
