import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { PROGRAMS } from '../../ci/kind/images.ts';
import { echoRoundTrips, throughput } from '../load/measure.ts';
import { BenchProcess, root } from '../load/process.ts';
import { type InContainer, type Ports, Stack } from '../load/stack.ts';
import { type Distribution, distribution } from '../load/statistics.ts';

const ROUNDS = 3;
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

export interface TunnelWay {
  readonly name: string;
  /** Round trip of 32 bytes, microseconds. */
  readonly echo: Distribution;
  /** MiB/s of one download, median of the rounds. */
  readonly download: number;
}

/** The target in a container of the agent's image. */
function containerTarget(): { id: string; ports: Ports } {
  const { code } = transformSync(readFileSync(join(root, 'bench/load/target.ts'), 'utf8'), { loader: 'ts' });
  const node = ['--entrypoint', 'node', PROGRAMS.agent, '--input-type=module', '-e', code];
  const id = docker('run', '-d', '--init', '-e', 'TARGET_HOST=0.0.0.0', ...node);
  for (let tries = 0; tries < 100; tries++) {
    const line = docker('logs', id);
    if (line !== '') return { id, ports: JSON.parse(line) as Ports };
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  throw new Error(`the target in container ${id} says nothing`);
}

/** The same screen through hub, agent and tunnel: as of the process platform, and in a container, by each way to it; in turns. */
export async function tunnel(quick: boolean): Promise<TunnelWay[]> {
  const local = BenchProcess.node('bench/load/target.ts');
  const { id, ports } = containerTarget();
  const stacks: Stack[] = [];
  const start = async (name: string, at: Ports, container?: InContainer) => {
    const stack = await Stack.start(at, {}, container);
    stacks.push(stack);
    const sessions = { echo: await stack.session('echo'), flood: await stack.session('flood') };
    return { name, stack, sessions, samples: [] as number[], rates: [] as number[] };
  };
  try {
    const ways = [
      await start('on this host, as of the process platform', JSON.parse(await local.ready) as Ports),
      await start('in a container, by its address', ports, { id, byAddress: true }),
      await start('in a container, by a process in it', ports, { id, byAddress: false }),
    ];
    for (let round = 0; round < ROUNDS; round++)
      for (const { stack, sessions, samples, rates } of ways) {
        const echo = await stack.view(sessions.echo);
        await echoRoundTrips(echo, 300, 2_000);
        samples.push(...(await echoRoundTrips(echo, quick ? 500 : 3_000, 10_000)));
        echo.close();
        const flood = await stack.view(sessions.flood);
        rates.push(await throughput(flood, quick ? 500 : 2_000));
        flood.close();
      }
    return ways.map(({ name, samples, rates }) => ({
      name,
      echo: distribution(samples),
      download: rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)]!,
    }));
  } finally {
    for (const stack of stacks) await stack.stop();
    await local.stop();
    docker('rm', '-f', id);
  }
}
