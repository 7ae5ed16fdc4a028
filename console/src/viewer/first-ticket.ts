import type { Clock } from 'clock-port';
import { hedged, times } from 'clock-port/hedge';
import { withDeadline } from 'clock-port/waiting';
import type { Ticket } from '@streamspace/protocol';

/** Milliseconds until a request that no replica of the hub answers gets company. */
const COMPANY_MS = [...times(6, 300), ...times(4, 500), ...times(3, 1_000), 2_000, 4_000];
/** Milliseconds for those that keep it company: a browser has six connections to a hub, and its events need one. The first has its time. */
const COMPANION_MS = 1_000;

export interface TicketAndTime {
  ticket: Ticket;
  /** Milliseconds that the hub's answer took. */
  tookMs: number;
}

/** A ticket from whichever replica of the hub answers first. Rejects as `ask` does; `answered` tells its refusals from silence. */
export function firstTicket(
  clock: Clock,
  ask: (signal: AbortSignal) => Promise<Ticket>,
  answered: (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<TicketAndTime> {
  let tries = 0;
  const attempt = async (own: AbortSignal) => {
    const since = clock.monotonic();
    const ticket = await (tries++ === 0 ? ask(own) : withDeadline(clock, COMPANION_MS, 'ticket', own, ask));
    return { ticket, tookMs: clock.monotonic() - since };
  };
  return hedged(clock, signal, attempt, { companyMs: COMPANY_MS, answered });
}
