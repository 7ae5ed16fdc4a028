import { everySeed } from '@streamspace/testkit';
import { expect, it } from 'vitest';
import { LEASE_MS, World } from './world.ts';

const CHAOS_MS = 30_000;
/** From the end of all trouble to a leader: a lease may have to run out, after a blindness that starts it anew. */
const RECOVERY_MS = 3 * LEASE_MS + 5000;
/** A release or a deletion is an event: nobody waits for a poll or an expiry. */
const EVENT_MS = 500;

async function simulate(seed: number): Promise<string[]> {
  const world = new World(seed);
  const { clock, random } = world;
  for (let left = CHAOS_MS; left > 0;) {
    const step = random.between(50, 3000);
    await clock.advance(Math.min(step, left));
    left -= step;
    if (world.alive.length > 0) world.mishap();
  }
  world.checkHistory();

  // always a leader within the bound once calls get through, and the hub follows it
  world.calm();
  await clock.advance(RECOVERY_MS);
  expect(
    world.leaders.map(({ name }) => name),
    'leaders after recovery',
  ).toHaveLength(1);
  const [leader] = world.leaders;
  expect(world.hub.accepted.at(-1)).toMatchObject({ replica: leader!.name, term: leader!.elector.leading!.term });
  expect(clock.monotonic() - world.hub.effects.at(-1)!.at, 'since the last effect').toBeLessThan(1000);
  const settledAt = clock.monotonic() - LEASE_MS;
  expect(
    world.elections.filter(({ at }) => at > settledAt),
    'elections when all had long been calm',
  ).toEqual([]);

  // no lost wake-up: the next election is the event's, in any state that the chaos has left behind
  world.beliefExcused = true;
  if (world.alive.length > 1 && random.chance(0.5)) leader!.stop.abort(new Error('stop'));
  else world.server.delete();
  await clock.advance(EVENT_MS);
  expect(world.leaders, 'leaders after the event').toHaveLength(1);
  expect(world.hub.accepted.at(-1)!.replica).toBe(world.leaders[0]!.name);
  world.checkHistory();

  // all stop: the lease is released, nothing is left behind
  for (const { stop } of world.replicas) stop.abort(new Error('stop'));
  await clock.advance(3000);
  expect(world.server.state?.record.holder).toBe('');
  expect(world.alive, 'still running').toEqual([]);
  expect(world.server.watches, 'watches left').toBe(0);
  expect(clock.pending, 'timers left').toBe(0);
  return world.trace;
}

/** Milliseconds for all seeds: SIM_SEEDS may ask for many more than CI runs. */
const LIMIT_MS = Math.max(900_000, 200 * Number(process.env['SIM_SEEDS'] ?? 0) || 0);

it(
  `[I1] [I2] [I3] electors under delays, losses, lies, crashes, pauses and skew`,
  async () => {
    // CI runs more than a developer waits for
    await everySeed(process.env['CI'] ? 20_000 : 2_500, async (seed) => {
      await simulate(seed);
    });
  },
  LIMIT_MS,
);

it('a seed replays exactly', async () => {
  expect(await simulate(7)).toEqual(await simulate(7));
});
