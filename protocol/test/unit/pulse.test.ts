import { Pulse } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { beforeEach, expect, test } from 'vitest';

let clock: VirtualClock;
let pulse: Pulse;
beforeEach(() => {
  clock = new VirtualClock();
  pulse = new Pulse(clock);
});

test('[WIRE5] silence counts at the second look in a row that finds it', async () => {
  await clock.advance(1_000);
  expect(pulse.isLost(1_000)).toBe(false);
  await clock.advance(1);
  expect([pulse.isLost(1_000), pulse.isLost(1_000)]).toEqual([false, true]);
});

test('a process that was held up itself takes nobody for dead whose words wait to be read', async () => {
  await clock.advance(60_000);
  expect(pulse.isLost(1_000)).toBe(false);
  pulse.heard();
  await clock.advance(1_001);
  expect(pulse.isLost(1_000)).toBe(false);
  expect(pulse.silentMs).toBe(1_001);
});

test('asks when it is time, whatever was heard', async () => {
  await clock.advance(999);
  pulse.heard();
  expect(pulse.isDue(1_000)).toBe(false);
  await clock.advance(1);
  expect(pulse.isDue(1_000)).toBe(true);
  pulse.asked();
  expect(pulse.isDue(1_000)).toBe(false);
});
