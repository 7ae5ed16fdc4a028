import { describe, expect, it } from 'vitest';
import { eachWith, type MakeStore } from './harness.ts';

const TICKET = { session: 's1', user: 'alice' };

export function ticketContract(makeStore: MakeStore): void {
  describe('tickets', () => {
    const given = eachWith(makeStore);
    const tickets = () => given.store.tickets;

    it('[VIEW2] gives a ticket out once', async () => {
      await tickets().put('hash', TICKET, 60_000);
      expect(await tickets().take('unknown')).toBeUndefined();
      expect(await tickets().take('hash')).toEqual(TICKET);
      expect(await tickets().take('hash')).toBeUndefined();
    });

    it('[VIEW2] gives it to one of many that take it at once', async () => {
      await tickets().put('hash', TICKET, 60_000);
      const taken = await Promise.all(Array.from({ length: 20 }, () => tickets().take('hash')));
      expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
    });

    it('[VIEW2] gives no ticket out after its time', async () => {
      await tickets().put('short', TICKET, 100);
      await tickets().put('long', TICKET, 60_000);
      await given.pass(150);
      expect(await tickets().take('short')).toBeUndefined();
      expect(await tickets().take('long')).toEqual(TICKET);
    });
  });
}
