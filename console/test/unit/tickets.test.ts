import type { Ticket } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { Tickets } from '../../src/viewer/tickets.ts';

const { signal } = new AbortController();

function scene() {
  const clock = new VirtualClock();
  let asked = 0;
  const tickets = new Tickets(
    clock,
    async () => ({ url: `/vnc?ticket=${++asked}` }) as Ticket,
    () => true,
  );
  const next = async () => (await tickets.next(signal)).ticket.url.at(-1);
  return { clock, tickets, next };
}

describe('tickets of a screen', () => {
  it('one that nobody took is shown again, as often as nobody takes it', async () => {
    const { tickets, next } = scene();
    const shown = [await next()];
    for (let n = 0; n < 2; n += 1) {
      tickets.notTaken();
      shown.push(await next());
    }
    expect(shown).toEqual(['1', '1', '1']);
    // that one was taken, or refused
    expect(await next()).toBe('2');
  });

  it('not when it may be about to expire', async () => {
    const { clock, tickets, next } = scene();
    await next();
    tickets.notTaken();
    await clock.advance(20_000);
    expect(await next()).toBe('2');
    tickets.notTaken();
    await clock.advance(19_000);
    expect(await next()).toBe('2');
  });
});
