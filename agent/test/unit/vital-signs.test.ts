import { VirtualClock } from '@streamspace/testkit';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Link } from '../../src/link/link.ts';
import { VitalSigns, type VitalSignsOptions } from '../../src/link/vital-signs.ts';

const capacity = { cpu: 1, memory: 1, max_sessions: 1 };
const link = (version: number) => ({ welcome: { version }, signal: new AbortController().signal }) as unknown as Link;
const signs = (driver: object, desk: object) =>
  new VitalSigns({
    driver,
    desk: { book: { active: 2 }, ...desk },
    clock: new VirtualClock(),
    log: pino({ level: 'silent' }),
    offer: { capacity, read: () => Promise.resolve(capacity) },
    replicas: { known: [], refresh: () => Promise.resolve(false) },
  } as unknown as VitalSignsOptions);

describe('what a heartbeat says', () => {
  it.each([
    ['all is well', {}, {}, 'online', undefined],
    ['the platform is in trouble', { trouble: 'no room' }, {}, 'warning', 'no room'],
    ['it can’t be watched', {}, { watchFailed: 'gone' }, 'warning', 'gone'],
    ['it can’t be listed', { trouble: 'no room' }, { listFailed: 'away' }, 'error', 'no room'],
    ['a long story', { trouble: 'x'.repeat(2_000) }, {}, 'warning', 'x'.repeat(1_024)],
  ])('[CON3] %s', (_what, driver, desk, status, reason) => {
    const said = signs(driver, desk).of(link(3));
    expect([said.status, said.status_reason]).toEqual([status, reason]);
    expect(said).toMatchObject({ capacity, active_sessions: 2, replicas: [] });
  });

  it('[VER2] a hub of version 2 is told the status, and neither its reason nor what isolates sessions', () => {
    const driver = { trouble: 'no room', isolation: 'sandbox' };
    expect(signs(driver, {}).of(link(3))).toMatchObject({ status_reason: 'no room', isolation: 'sandbox' });
    const older = signs(driver, {}).of(link(2));
    expect(older.status).toBe('warning');
    expect(Object.keys(older)).not.toContain('status_reason');
    expect(Object.keys(older)).not.toContain('isolation');
  });
});

it('V10 room that comes between two heartbeats is told at once, by the link that is up; nothing new is not told', async () => {
  const clock = new VirtualClock();
  let beats = 0;
  const up = Object.assign(link(3), { beat: () => void beats++ });
  const offer = { capacity, read: () => Promise.resolve() };
  const made = new VitalSigns({
    clock,
    log: pino({ level: 'silent' }),
    driver: {},
    offer,
    replicas: { refresh: () => Promise.resolve(false) },
    contact: { link: up },
  } as unknown as VitalSignsOptions);
  const stop = new AbortController();
  const running = made.run(stop.signal);
  await clock.advance(10_000);
  expect(beats).toBe(0);
  offer.read = () => {
    offer.capacity = { ...capacity, max_sessions: 2 };
    return Promise.resolve();
  };
  await clock.advance(10_000);
  expect(beats).toBe(1);
  stop.abort();
  await running;
  expect(clock.pending).toBe(0);
});
