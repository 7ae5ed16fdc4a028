import { expect } from 'vitest';
import { World } from './world/world.ts';

/** Milliseconds for all seeds of one file: SIM_SEEDS may ask for many more than CI runs. */
export const LIMIT_MS = Math.max(900_000, 500 * Number(process.env.SIM_SEEDS ?? 0));

/** One life of a world, and what must hold of it. Throws what did not. */
export async function commandPath(seed: number): Promise<World> {
  const world = new World(seed);
  await world.clock.advance(500);
  await world.misfortunes(30);
  await world.calm(180_000);

  // I1: nothing of a superseded connection had an effect, terms only grew
  expect(world.problems).toEqual([]);
  expect(world.terms).toEqual(world.terms.toSorted((a, b) => a - b));
  // I4: what was accepted is over, its effect there once; a failure says why
  for (const id of world.accepted) {
    const command = await world.store.commands.get(id);
    expect(['completed', 'failed']).toContain(command?.state);
    const effects = world.platform.effects.get(id) ?? 0;
    expect(effects, `effects of ${command?.action} ${id}`).toBeLessThanOrEqual(1);
    if (command?.state === 'completed' && command.action === 'create_session')
      expect(effects, `effect of ${id}`).toBe(1);
    const codes = /command_timeout|not_found|superseded/;
    // a start is aborted by nothing but its session's delete
    const started = command?.action === 'create_session' || command?.action === 'wake_session';
    if (command?.state === 'failed' && !(started && command.error?.code === 'command_aborted'))
      expect(command.error?.code).toMatch(codes);
  }
  for (const [id, effects] of world.platform.effects) expect(effects, `effects of ${id}`).toBe(1);
  // the hub's picture is the world's
  for (const session of await world.known()) {
    const real = world.platform.sessions.get(session.id)?.status?.state ?? 'gone';
    expect([session.id, session.state === 'failed' && real === 'gone' ? 'gone' : session.state]).toEqual([
      session.id,
      real,
    ]);
  }
  await world.stop();
  return world;
}
