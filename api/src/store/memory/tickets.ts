import type { Clock } from 'clock-port';
import type { TicketRecord, TicketStore } from '../store.ts';
import { KEPT } from './state.ts';

export function memoryTickets(clock: Clock): TicketStore {
  const tickets = new Map<string, { ticket: TicketRecord; expires: number }>();

  return {
    async put(hash, ticket, ttlMs) {
      const now = clock.monotonic();
      for (const [oldest, { expires }] of tickets) {
        if (expires > now && tickets.size < KEPT.tickets) break;
        tickets.delete(oldest);
      }
      tickets.set(hash, { ticket: { ...ticket }, expires: now + ttlMs });
    },

    async take(hash) {
      const found = tickets.get(hash);
      tickets.delete(hash);
      return found !== undefined && clock.monotonic() < found.expires ? found.ticket : undefined;
    },
  };
}
