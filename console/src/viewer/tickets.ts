import type { Clock } from 'clock-port';
import type { Ticket } from '@streamspace/protocol';
import { firstTicket, type TicketAndTime } from './first-ticket.ts';

/** Milliseconds for which a ticket that nobody took is shown again: well within its life, which is a minute at most. */
const AGAIN_MS = 20_000;

/**
 * Tickets for one screen. One whose socket nobody took is good for the next try: with most of the hub's replicas dead, each question for
 * another would have to find a living one, too.
 */
export class Tickets {
  readonly #clock: Clock;
  readonly #ask: (signal: AbortSignal) => Promise<Ticket>;
  readonly #answered: (error: unknown) => boolean;
  #last: { given: TicketAndTime; at: number } | undefined;
  #unused = false;

  /** See {@link firstTicket}. */
  constructor(clock: Clock, ask: (signal: AbortSignal) => Promise<Ticket>, answered: (error: unknown) => boolean) {
    this.#clock = clock;
    this.#ask = ask;
    this.#answered = answered;
  }

  /** Rejects with what the hub refuses it with. */
  async next(signal: AbortSignal): Promise<TicketAndTime> {
    const last = this.#last;
    if (this.#unused && last !== undefined && this.#clock.monotonic() - last.at < AGAIN_MS) {
      this.#unused = false;
      return last.given;
    }
    const given = await firstTicket(this.#clock, this.#ask, this.#answered, signal);
    this.#last = { given, at: this.#clock.monotonic() };
    this.#unused = false;
    return given;
  }

  /** Nobody took the socket that was to show the last one. */
  notTaken(): void {
    this.#unused = true;
  }
}
