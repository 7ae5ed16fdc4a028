import type { Fleet } from './fleet.ts';
import type { Program } from './program.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills and freezes anything at random until the signal aborts; then everything runs again. `note` is told of each fault. */
export async function monkey(
  fleet: Fleet,
  random: () => number,
  note: (what: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const one = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)]!;
  /** Who suffers already. */
  const busy = new Set<Program>();
  const someOf = (among: readonly Program[]): Program | undefined => {
    const free = among.filter((program) => !busy.has(program));
    return free.length === 0 ? undefined : one(free);
  };
  const between = (least: number, most: number) => least + random() * (most - least);

  const kill = async (program: Program) => {
    note(`kill -9 ${program.name}`);
    await program.kill();
    await pause(between(100, 2_000));
    program.start();
  };
  const freeze = async (program: Program, most: number) => {
    const ms = Math.round(between(300, most));
    note(`SIGSTOP ${program.name} for ${ms} ms`);
    program.signal('SIGSTOP');
    await pause(ms);
    program.signal('SIGCONT');
  };
  const roll = async (program: Program) => {
    note(`SIGTERM ${program.name}`);
    await program.stop(20_000);
    program.start();
  };
  const { hubs, agents, redis, redisReplica } = fleet;
  const faults: [readonly Program[], (program: Program) => Promise<void>][] = [
    [hubs, kill],
    [hubs, kill],
    [hubs, roll],
    [hubs, (program) => freeze(program, 5_000)],
    [agents, kill],
    [agents, kill],
    [agents, (program) => freeze(program, 8_000)],
    [agents, roll],
    [[redis], kill],
    [[redis], (program) => freeze(program, 3_000)],
    [[redisReplica], kill],
  ];
  // a process is harmed by one fault at a time, several processes at once
  const harmed = new Set<Promise<void>>();
  while (!signal.aborted) {
    const [among, harm] = one(faults);
    const program = someOf(among);
    if (harmed.size < 2 && program !== undefined) {
      busy.add(program);
      const fault: Promise<void> = harm(program).finally(() => {
        busy.delete(program);
        harmed.delete(fault);
      });
      harmed.add(fault);
    }
    await pause(between(300, 2_500));
  }
  await Promise.all(harmed);
  for (const program of [fleet.redis, fleet.redisReplica, ...fleet.hubs, ...fleet.agents]) {
    program.signal('SIGCONT');
    if (!program.running) program.start();
  }
}
