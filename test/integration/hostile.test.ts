import { expect, it } from 'vitest';
import { hostile } from '../soak/hostile.ts';

it('S2 S3 S7 S11 a hub of 400 MB lives through one hostile agent and one hostile user, and nothing is planted', async () => {
  const { alive, planted, done } = await hostile(8_000, 500);
  expect({ alive, planted }).toEqual({ alive: true, planted: 0 });
  expect(Object.keys(done)).toEqual(
    expect.arrayContaining(['heartbeats of 15,000 digits', 'enrolments without a token', 'timelines']),
  );
}, 90_000);
