import { VirtualClock } from '@streamspace/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from '../../src/link/backoff.ts';

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoff', () => {
  it('[CON5] is uniform in [0, min(max, base · 2ⁿ)]', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 600_000 }),
        fc.array(unit, { maxLength: 60 }),
        (base, max, chances) => {
          let at = 0;
          const backoff = new Backoff(new VirtualClock(), { base, max, random: () => chances[at]! });
          for (at = 0; at < chances.length; at++) {
            expect(backoff.next()).toBeCloseTo(chances[at]! * Math.min(max, base * 2 ** at), 6);
          }
        },
      ),
    );
  });

  it('[CON4] never waits less than the hub asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, fc.integer({ min: 0, max: 120_000 })), { maxLength: 30 }), (tries) => {
        let chance = 0;
        const backoff = new Backoff(new VirtualClock(), { base: 1000, max: 30_000, random: () => chance });
        for (const [random, retryAfter] of tries) {
          chance = random;
          expect(backoff.next(retryAfter)).toBeGreaterThanOrEqual(retryAfter);
        }
      }),
    );
  });

  it('[CON4] waits a random while longer than the hub asked for, so that not all who were asked come back at once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, fc.integer({ min: 1, max: 120_000 })), { maxLength: 30 }), (tries) => {
        let chance = 0;
        const backoff = new Backoff(new VirtualClock(), { base: 1000, max: 700, random: () => chance });
        const patient = new Backoff(new VirtualClock(), { base: 1000, max: 30_000, random: () => chance });
        for (const [random, retryAfter] of tries) {
          chance = random;
          expect(backoff.next(retryAfter)).toBeCloseTo(retryAfter + random * 700, 6);
          // the wish says when: what is added does not grow with the tries
          expect(patient.next(retryAfter)).toBeCloseTo(retryAfter + random * 1000, 6);
        }
      }),
    );
  });

  it('failure 14: a welcome alone does not start it over, 30 s of staying up do', async () => {
    const clock = new VirtualClock();
    const backoff = new Backoff(clock, { base: 1000, max: 60_000, random: () => 1 });
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([1000, 2000, 4000]);
    backoff.welcome();
    await clock.advance(29_999);
    expect(backoff.next()).toBe(8000);
    backoff.welcome();
    await clock.advance(30_000);
    expect(backoff.next()).toBe(1000);
    // the time before counts once
    expect(backoff.next()).toBe(2000);
  });
});
