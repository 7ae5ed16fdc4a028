import type { Clock } from 'clock-port';
import { hedged } from 'clock-port/hedge';
import type { Ticket } from '@streamspace/protocol';

/** Milliseconds until a request that no replica of the hub answers gets company. */
const COMPANY_MS = [300, 300, 400, 500, 500, 1_000, 2_000, 4_000];

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
  const attempt = async (own: AbortSignal) => {
    const since = clock.monotonic();
    const ticket = await ask(own);
    return { ticket, tookMs: clock.monotonic() - since };
  };
  return hedged(clock, signal, attempt, { companyMs: COMPANY_MS, answered });
}
