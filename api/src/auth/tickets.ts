import { StreamSpaceError, type Ticket } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { HubDeps } from '../deps.ts';
import type { Store, TicketRecord } from '../store/store.ts';
import { sha256 } from './secrets.ts';

/** A new ticket [VIEW2]: single use, bound to session and user. */
export async function makeTicket(
  { store, config, clock, randomBytes }: Pick<HubDeps, 'store' | 'config' | 'clock' | 'randomBytes'>,
  record: TicketRecord,
): Promise<Ticket> {
  const ticket = randomBytes(32).toString('base64url');
  const expires = clock.now() + config.ticketTtlMs;
  await store.tickets.put(sha256(ticket), record, config.ticketTtlMs);
  return { ticket, expires_at: iso(expires), url: `/api/v1/sessions/${record.session}/vnc?ticket=${ticket}` };
}

/** Uses up a viewer's ticket. Rejects with `ticket_invalid` when it is unknown, used, expired, or for another session. */
export async function takeTicket(
  store: Pick<Store, 'tickets'>,
  ticket: string | undefined,
  sessionId: string,
): Promise<TicketRecord> {
  const remedy = `get a new one (POST /api/v1/sessions/${sessionId}/ticket)`;
  if (ticket === undefined || ticket === '')
    throw new StreamSpaceError('ticket_invalid', `the viewer sent no ticket: ${remedy}`);
  const record = ticket.length > 512 ? undefined : await store.tickets.take(sha256(ticket));
  if (record === undefined)
    throw new StreamSpaceError('ticket_invalid', `the ticket is unknown, used or expired: ${remedy}`);
  if (record.session !== sessionId)
    throw new StreamSpaceError('ticket_invalid', `the ticket is for another session: ${remedy}`);
  return record;
}
