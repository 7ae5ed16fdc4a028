import { VirtualClock } from '@streamspace/testkit';
import { expect, test } from 'vitest';
import { Allowances } from '../../src/agents/link/allowance.ts';

const MIB = 1024 * 1024;

test('S3 an agent that connects again and again says no more than one that stays', async () => {
  const clock = new VirtualClock();
  const allowances = new Allowances(clock);
  for (let n = 0; n < 64; n += 1) allowances.of('a').take(MIB);
  expect(() => allowances.of('a').take(MIB)).toThrow(/bytes of messages a second; connect again later/);
  // others are others
  allowances.of('b').take(MIB);
  await clock.advance(1_000);
  allowances.of('a').take(MIB / 2);
  expect(() => allowances.of('a').take(MIB)).toThrow(/bytes of messages/);
});

test('S3 messages are counted, too, however small', async () => {
  const clock = new VirtualClock();
  const allowance = new Allowances(clock).of('a');
  for (let n = 0; n < 20_000; n += 1) allowance.take(1);
  expect(() => allowance.take(1)).toThrow(/more than 2000 messages a second/);
  await clock.advance(1);
  allowance.take(1);
  allowance.take(1);
  expect(() => allowance.take(1)).toThrow(/messages a second/);
});
