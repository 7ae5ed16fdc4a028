import { type Fleet, until } from './fleet.ts';
import type { Program } from '@streamspace/testkit';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills and freezes random processes until the signal aborts; then everything runs again. `note` gets each fault. */
export async function monkey(
  fleet: Fleet,
  random: () => number,
  note: (what: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const one = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)]!;
  /** Processes with a current fault. */
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
  const { hubs, agents, stores } = fleet;
  const [first, second] = stores.map(({ program }) => program) as [Program, Program];
  /** Stops the primary until the other server is promoted, and restarts it as a replica. */
  const failover = async (how: 'kill -9' | 'SIGSTOP') => {
    const before = await fleet.primary();
    if (before === undefined) return;
    const { program } = before;
    note(`${how} ${program.name}, until the other is promoted`);
    if (how === 'SIGSTOP') program.signal('SIGSTOP');
    else await program.kill();
    const promoted = async () => {
      const now = await fleet.primary();
      return now !== undefined && now !== before;
    };
    await until('another primary', 30_000, promoted).catch((error: Error) => note(error.message));
    if (how === 'SIGSTOP') program.signal('SIGCONT');
    else program.start();
    await until('a replica again', 30_000, () => fleet.storesWell()).catch((error: Error) => note(error.message));
  };
  /** One of the two at a time, and only while the other can replace it: no store survives more. */
  const ofStores = async (harm: () => Promise<void>) => {
    for (const program of [first, second]) busy.add(program);
    try {
      if (await fleet.storesWell()) await harm();
      await until('a replica again', 30_000, () => fleet.storesWell()).catch((error: Error) => note(error.message));
    } finally {
      for (const program of [first, second]) busy.delete(program);
    }
  };
  const primaryOr = async (which: 'primary' | 'replica'): Promise<Program> => {
    const primary = (await fleet.primary())?.program ?? first;
    return which === 'primary' ? primary : primary === first ? second : first;
  };
  type Fault = [readonly Program[], (program: Program) => Promise<void>];
  const promotion: Fault = [[first], () => ofStores(() => failover('kill -9'))];
  const faults: Fault[] = [
    [hubs, kill],
    [hubs, kill],
    [hubs, roll],
    [hubs, (program) => freeze(program, 5_000)],
    [agents, kill],
    [agents, kill],
    [agents, (program) => freeze(program, 8_000)],
    [agents, roll],
    promotion,
    [[first], () => ofStores(() => failover('SIGSTOP'))],
    [[first], () => ofStores(async () => kill(await primaryOr('primary')))],
    [[first], () => ofStores(async () => freeze(await primaryOr('primary'), 1_200))],
    [[first], () => ofStores(async () => kill(await primaryOr('replica')))],
  ];
  // one fault per process at a time, several processes at once
  const harmed = new Set<Promise<void>>();
  // at least once, even in a short run
  let next: Fault | undefined = promotion;
  while (!signal.aborted) {
    const [among, harm] = next ?? one(faults);
    next = undefined;
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
  for (const program of [first, second, ...fleet.hubs, ...fleet.agents]) {
    program.signal('SIGCONT');
    if (!program.running) program.start();
  }
}
