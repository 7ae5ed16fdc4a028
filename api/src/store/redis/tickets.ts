import type { TicketRecord, TicketStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { KEYS } from './keys.ts';

export function redisTickets(connection: RedisConnection): TicketStore {
  return {
    async put(hash, ticket, ttlMs) {
      await connection.do((client) => client.set(KEYS.ticket(hash), JSON.stringify(ticket), 'PX', Math.ceil(ttlMs)));
    },

    async take(hash) {
      const text = await connection.do((client) => client.getdel(KEYS.ticket(hash)));
      return text === null ? undefined : (JSON.parse(text) as TicketRecord);
    },
  };
}
