/**
 * The seeds that a simulation runs: `count` from `from` on by default, more or fewer by SIM_SEEDS (a factor such as `10x`, or a number), exactly one by SIM_SEED.
 * A failing run names its seed, so that it replays exactly.
 */
export function seeds(
  count: number,
  from = 0,
  environment: Record<string, string | undefined> = process.env,
): number[] {
  const one = environment['SIM_SEED'];
  if (one !== undefined && one !== '') return [Number(one)];
  const wanted = environment['SIM_SEEDS'];
  const total =
    wanted === undefined || wanted === ''
      ? count
      : wanted.endsWith('x')
        ? Math.round(count * Number(wanted.slice(0, -1)))
        : Number(wanted);
  return Array.from({ length: total }, (_, seed) => from + seed);
}

/** Runs `simulate` for each seed; an error says how to replay it. */
export async function everySeed(count: number, simulate: (seed: number) => Promise<void>, from = 0): Promise<void> {
  for (const seed of seeds(count, from)) {
    try {
      await simulate(seed);
    } catch (error) {
      throw new Error(`seed ${seed} (SIM_SEED=${seed} replays it): ${(error as Error).message}`, { cause: error });
    }
  }
}
