import type { Accepted, Command, Ticket } from '@streamspace/protocol';
import { createInterface } from 'node:readline';
import { Balancer } from '@streamspace/testkit';
import { type Channel, webSocketChannel } from '../load/channel.ts';
import { echoRoundTrips } from '../load/measure.ts';
import { BenchProcess } from '../load/process.ts';
import type { Ports } from '../load/stack.ts';
import { type Distribution, distribution } from '../load/statistics.ts';
import { Cluster } from './cluster.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function session(cluster: Cluster, port: number, template: keyof Ports): Promise<string> {
  const { session: made, command } = await cluster.call<Accepted>(port, 'POST', '/sessions', { template });
  for (;;) {
    const { state, error } = await cluster.call<Command>(port, 'GET', `/commands/${command.id}`);
    if (state === 'completed') return made.id;
    if (state === 'failed') throw new Error(error?.message ?? 'failed');
    await pause(5);
  }
}

async function view(cluster: Cluster, port: number, id: string): Promise<Channel> {
  const { url } = await cluster.call<Ticket>(port, 'POST', `/sessions/${id}/ticket`);
  return webSocketChannel(`ws://127.0.0.1:${port}${url}`);
}

export interface Routing {
  /** Echo of 32 bytes through the replica that holds the agent, and through another. Microseconds. */
  near: Distribution;
  far: Distribution;
  /** The same frames to a raw `ws` echo server and back. */
  raw: Distribution;
  /** From a ticket to the first byte. Milliseconds. */
  openNear: Distribution;
  openFar: Distribution;
  failed: number;
}

/** The cost of an agent at another replica. Near and far take turns. */
export async function routing(ports: Ports, quick: boolean): Promise<Routing> {
  const cluster = await Cluster.start(2);
  const raw = BenchProcess.node('bench/load/ws-echo.ts');
  try {
    const rawPort = Number(await raw.ready);
    const [holder, other] = cluster.ports as [number, number];
    await cluster.agent(`127.0.0.1:${holder}`, ports);
    const id = await session(cluster, holder, 'echo');
    const samples = {
      raw: [] as number[],
      near: [] as number[],
      far: [] as number[],
      openNear: [] as number[],
      openFar: [] as number[],
    };
    let failed = 0;
    for (let round = 0; round < (quick ? 5 : 20); round += 1) {
      for (const [where, port] of [
        ['raw', rawPort],
        ['near', holder],
        ['far', other],
      ] as const) {
        const channel =
          where === 'raw' ? await webSocketChannel(`ws://127.0.0.1:${port}`) : await view(cluster, port, id);
        samples[where].push(...(await echoRoundTrips(channel, 300, 5_000)));
        channel.close();
      }
    }
    for (let round = 0; round < (quick ? 20 : 500); round += 1) {
      for (const [where, port] of [
        ['openNear', holder],
        ['openFar', other],
      ] as const) {
        const began = performance.now();
        try {
          const channel = await view(cluster, port, id);
          await echoRoundTrips(channel, 1, 5_000);
          samples[where].push(performance.now() - began);
          channel.close();
        } catch (error) {
          process.stderr.write(`${(error as Error).message}\n`);
          failed += 1;
        }
      }
    }
    return {
      near: distribution(samples.near),
      far: distribution(samples.far),
      raw: distribution(samples.raw),
      openNear: distribution(samples.openNear),
      openFar: distribution(samples.openFar),
      failed,
    };
  } finally {
    await raw.stop();
    await cluster.stop();
  }
}

export interface Durable {
  acceptedPerSecond: number;
  /** Carried out by the agents and final, per second until the last one was. */
  finalPerSecond: number;
  /** Milliseconds until 202. */
  answer: Distribution;
  hubs: number;
  /** Milliseconds of the hubs' CPU for each command, from POST to its end. */
  cpuMs: number;
}

/** Commands accepted (202, stored by Redis with AOF) per second by two replicas, while four agents carry them out. */
export async function durable(ports: Ports, quick: boolean): Promise<Durable> {
  const profiles = process.env.BENCH_PROFILE;
  const cluster = await Cluster.start(2, {}, profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : []);
  try {
    // two per replica: room for commands that are accepted faster than carried out
    for (const [index, port] of [...cluster.ports, ...cluster.ports].entries())
      await cluster.agent(`127.0.0.1:${port}`, ports, `bench-${index}`);
    const samples: number[] = [];
    const last: string[] = [];
    const cpu = () => cluster.hubs.reduce((sum, { program }) => sum + Cluster.cpu(program.pid!), 0);
    const cpuBefore = cpu();
    const began = performance.now();
    const end = began + (quick ? 5_000 : 15_000);
    await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const port = cluster.ports[index % cluster.ports.length]!;
        while (performance.now() < end) {
          const at = performance.now();
          const { session: made } = await cluster.call<Accepted>(port, 'POST', '/sessions', { template: 'echo' });
          samples.push(performance.now() - at);
          const before = performance.now();
          const { command } = await cluster.call<Accepted>(port, 'DELETE', `/sessions/${made.id}`);
          samples.push(performance.now() - before);
          last[index] = command.id;
        }
      }),
    );
    const acceptedPerSecond = samples.length / ((performance.now() - began) / 1000);
    for (const id of last) {
      for (;;) {
        const { state, error } = await cluster.call<Command>(cluster.ports[0]!, 'GET', `/commands/${id}`);
        if (state === 'completed') break;
        if (state === 'failed') throw new Error(error?.message ?? 'failed');
        await pause(20);
      }
    }
    const finalPerSecond = samples.length / ((performance.now() - began) / 1000);
    const cpuMs = ((cpu() - cpuBefore) * 1000) / samples.length;
    if (process.env.BENCH_PROFILE) await Promise.all(cluster.hubs.map(({ program }) => program.stop(30_000)));
    return { acceptedPerSecond, finalPerSecond, answer: distribution(samples), hubs: cluster.hubs.length, cpuMs };
  } finally {
    await cluster.stop();
  }
}

export interface Crowd {
  agents: number;
  /** Resident bytes that an idle agent adds to its hub. */
  perAgent: number;
  lost: number;
  /** Seconds until an agent of the killed replica was welcome again. */
  back: Distribution;
  returned: number;
  /** Cores used by the busiest of the others in the five seconds after. */
  cores: number;
  /** Milliseconds of the hubs' CPU for each agent that came back, the half minute's idling of all others included. */
  cpuMs: number;
}

/** Idle agents on three replicas, one of which is killed. */
export async function crowd(quick: boolean): Promise<Crowd> {
  // the crowd answers on the cores that it shares with the hubs: so it pings less often than by default
  const cluster = await Cluster.start(3, { HUB_PING_INTERVAL: '10s' });
  const processes: BenchProcess[] = [];
  try {
    const total = quick ? Number(process.env.BENCH_CROWD ?? 600) : 10_000;
    const pids = cluster.hubs.map(({ program }) => program.pid!);
    await pause(3_000);
    const before = pids.map((pid) => Cluster.rss(pid)).reduce((a, b) => a + b);
    const reports: { lost: number; back: number[]; connected: number }[] = [];
    let ready = 0;
    const halves = 2;
    for (let half = 0; half < halves; half += 1) {
      const crowded = BenchProcess.node('bench/hub/crowd.ts', {
        CROWD_PORTS: JSON.stringify(cluster.ports),
        CROWD_STORE: cluster.storeUrl,
        CROWD_COUNT: String(total / halves),
        CROWD_NAME: `crowd-${half}`,
      });
      processes.push(crowded);
      createInterface({ input: crowded.child.stdout! }).on('line', (line) => {
        const said = JSON.parse(line) as { ready?: number } & (typeof reports)[number];
        if (said.ready === undefined) reports.push(said);
        else ready += said.ready;
      });
    }
    const patience = performance.now() + 300_000;
    while (ready < total) {
      if (performance.now() > patience) throw new Error(`${ready} of ${total} agents connected within five minutes`);
      await pause(200);
    }
    await pause(5_000);
    const after = pids.map((pid) => Cluster.rss(pid)).reduce((a, b) => a + b);
    const others = pids.slice(1);
    const cpu = others.map((pid) => Cluster.cpu(pid));
    await cluster.hubs[0]!.program.kill();
    await pause(5_000);
    const cores = Math.max(...others.map((pid, index) => (Cluster.cpu(pid) - cpu[index]!) / 5));
    await pause(quick ? 10_000 : 30_000);
    const used = others.reduce((sum, pid, index) => sum + Cluster.cpu(pid) - cpu[index]!, 0);
    for (const { child } of processes) child.kill('SIGUSR2');
    while (reports.length < halves) await pause(50);
    for (const { back: _back, ...rest } of reports) process.stderr.write(`${JSON.stringify(rest)}\n`);
    const back = reports.flatMap((report) => report.back).map((ms) => ms / 1_000);
    return {
      agents: total,
      perAgent: (after - before) / total,
      lost: reports.reduce((sum, report) => sum + report.lost, 0),
      returned: back.length,
      back: distribution(back),
      cores,
      cpuMs: (used * 1000) / Math.max(1, back.length),
    };
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
    await cluster.stop();
  }
}

export interface Roll {
  commands: number;
  failed: number;
  /** REST calls that had to be repeated. */
  repeated: number;
  /** Each viewer's longest time without data, in each stop of a replica. Milliseconds. */
  stall: Distribution;
}

/** Every replica is stopped and started again, one after the other, while viewers watch screens and clients send commands. */
export async function roll(ports: Ports, quick: boolean): Promise<Roll> {
  const cluster = await Cluster.start(3, { DRAIN_TIMEOUT: '15s' });
  const balancer = new Balancer(cluster.ports);
  await balancer.start();
  try {
    await pause(1_000);
    await cluster.agent(balancer.url, ports);
    const port = Number(balancer.url.split(':')[1]);
    let repeated = 0;
    const why = new Map<string, number>();
    const again = async <T>(step: () => Promise<T>): Promise<T> => {
      const end = performance.now() + 15_000;
      for (;;) {
        try {
          return await step();
        } catch (error) {
          if (performance.now() > end) throw error;
          repeated += 1;
          const what = (error as Error).message.slice(0, 160);
          why.set(what, (why.get(what) ?? 0) + 1);
          await pause(20);
        }
      }
    };
    const watched = await Promise.all(Array.from({ length: 4 }, () => again(() => session(cluster, port, 'busy'))));
    let over = false;
    const stalls: number[] = [];
    const viewers = Array.from({ length: quick ? 4 : 6 }, async (_, index) => {
      let seen: number | undefined;
      let longest = 0;
      stalls.push(0);
      while (!over) {
        const channel = await again(() => view(cluster, port, watched[index % watched.length]!));
        await new Promise<void>((resolve) => {
          const timer = setInterval(() => {
            if (!over && !channel.closed) return;
            clearInterval(timer);
            resolve();
          }, 5);
          channel.onData(() => {
            const now = performance.now();
            if (seen !== undefined) longest = Math.max(longest, now - seen);
            seen = now;
          });
        });
        channel.close();
        stalls[index] = longest;
      }
    });
    let commands = 0;
    let failed = 0;
    const givers = Array.from({ length: 4 }, async () => {
      while (!over) {
        try {
          const id = await again(() => session(cluster, port, 'echo'));
          await again(() => cluster.call(port, 'DELETE', `/sessions/${id}`));
          commands += 2;
        } catch (error) {
          process.stderr.write(`${(error as Error).message}\n`);
          failed += 1;
        }
        await pause(50);
      }
    });
    await pause(2_000);
    for (const hub of cluster.hubs) {
      await hub.program.stop(30_000);
      hub.program.start();
      await cluster.ready(hub.port);
      await pause(2_000);
    }
    over = true;
    await Promise.all([...viewers, ...givers]);
    for (const [what, times] of why) process.stderr.write(`${times} × ${what}\n`);
    return { commands, failed, repeated, stall: distribution(stalls) };
  } finally {
    balancer.stop();
    await cluster.stop();
  }
}
