import { type Channel, tcpChannel, webSocketChannel } from '../load/channel.ts';
import { echoRoundTrips, throughput } from '../load/measure.ts';
import type { BenchProcess } from '../load/process.ts';
import type { Ports, Stack } from '../load/stack.ts';
import { type Distribution, distribution } from '../load/statistics.ts';
import { startWebsockify, websockifyPath } from '../load/websockify.ts';

const ROUNDS = 3;

export interface Contender {
  name: string;
  /** Round trip of 32 bytes, microseconds. */
  echo: Distribution;
  /** MiB/s of one download, median of the rounds. */
  throughput: number;
}

interface Way {
  name: string;
  open(kind: 'echo' | 'flood'): Promise<Channel>;
}

/** Echo and download through each contender, in turns, so that a noisy minute hits all of them. */
export async function screens(stack: Stack, ports: Ports, quick: boolean): Promise<Contender[]> {
  const helpers: BenchProcess[] = [];
  const sessions = { echo: await stack.session('echo'), flood: await stack.session('flood') };
  const ways: Way[] = [
    { name: 'raw TCP', open: (kind) => tcpChannel(ports[kind]) },
    { name: 'StreamSpace (hub and agent)', open: (kind) => stack.view(sessions[kind]) },
  ];
  const websockify = websockifyPath();
  if (websockify === undefined)
    process.stderr.write('websockify is not on PATH (apt-get install websockify): measured without it\n');
  else {
    const echo = await startWebsockify(websockify, ports.echo);
    const flood = await startWebsockify(websockify, ports.flood);
    helpers.push(echo.process, flood.process);
    ways.splice(1, 0, {
      name: 'websockify (one hop)',
      open: (kind) => webSocketChannel((kind === 'echo' ? echo : flood).url),
    });
  }
  const results = ways.map(({ name }) => ({ name, samples: [] as number[], rates: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, way] of ways.entries()) {
      const echo = await way.open('echo');
      await echoRoundTrips(echo, 300, 2_000);
      echo.close();
      const measured = await way.open('echo');
      results[index]!.samples.push(...(await echoRoundTrips(measured, quick ? 500 : 3_000, 10_000)));
      measured.close();
      const flood = await way.open('flood');
      results[index]!.rates.push(await throughput(flood, quick ? 500 : 2_000));
      flood.close();
    }
  }
  await Promise.all(helpers.map((helper) => helper.stop()));
  return results.map(({ name, samples, rates }) => ({
    name,
    echo: distribution(samples),
    throughput: rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)]!,
  }));
}
