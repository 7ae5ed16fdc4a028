import type { Ticket } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { RestError } from '../../src/api/http.ts';
import { firstTicket } from '../../src/viewer/first-ticket.ts';

const ticket = { url: '/vnc' } as Ticket;
const answered = (error: unknown) => error instanceof RestError && error.status !== 0;

describe('a ticket from whichever replica answers first', () => {
  it('does not wait for the ones that are dead, and tells how long the living one took', async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const ask = (signal: AbortSignal) =>
      new Promise<Ticket>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        if (++asked === 3) clock.setTimeout(() => resolve(ticket), 20);
      });
    const got = firstTicket(clock, ask, answered, new AbortController().signal);
    await clock.advance(620);
    expect(await got).toEqual({ ticket, tookMs: 20 });
    expect(asked).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it('takes few of a browser’s connections, however long nobody answers, and keeps the first: the hub may be slow', async () => {
    const clock = new VirtualClock();
    let [asked, open, most] = [0, 0, 0];
    const ask = (signal: AbortSignal) =>
      new Promise<Ticket>((resolve, reject) => {
        most = Math.max(most, ++open);
        signal.addEventListener('abort', () => {
          open -= 1;
          reject(signal.reason as Error);
        });
        if (++asked === 1) clock.setTimeout(() => resolve(ticket), 8_000);
      });
    const got = firstTicket(clock, ask, answered, new AbortController().signal);
    await clock.advance(8_000);
    expect(await got).toEqual({ ticket, tookMs: 8_000 });
    expect(asked).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(5);
    expect(clock.pending).toBe(0);
  });

  it('a refusal is an answer', async () => {
    const clock = new VirtualClock();
    const ask = () => Promise.reject(new RestError('forbidden', 'no', 403, false));
    await expect(firstTicket(clock, ask, answered, new AbortController().signal)).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
