import type { Channel } from '../load/channel.ts';
import { echoRoundTrips } from '../load/measure.ts';
import type { Stack } from '../load/stack.ts';
import { type Distribution, distribution } from '../load/statistics.ts';

export interface Company {
  /** One echo alone, then beside four screens of 8 MiB/s; microseconds. */
  alone: Distribution;
  besideFourBusy: Distribution;
  /** 50 echoing viewers: by themselves, with one frozen viewer, with one frozen viewer and one download at full speed. */
  fifty: Distribution;
  fiftyAndFrozen: Distribution;
  fiftyFrozenAndDownload: Distribution;
  /** What a frozen viewer's screen costs in hub and agent together, bytes: the mean of 20. */
  frozenBytes: number;
  /** Downloads at full speed side by side: slowest and fastest, MiB/s. */
  flood: { streams: number; slowest: number; fastest: number };
}

const ECHOES_APART_MS = 20;

/** All viewers echo for so long; the round trips in microseconds. */
async function echoes(viewers: Channel[], seconds: number): Promise<number[]> {
  const limit = seconds * 1000;
  return (
    await Promise.all(viewers.map((viewer) => echoRoundTrips(viewer, Number.POSITIVE_INFINITY, limit, ECHOES_APART_MS)))
  ).flat();
}

/** Resident memory that one frozen viewer of a flooding screen adds, hub and agent together: the mean of many, after a warm-up. */
async function costOfFrozen(stack: Stack, flood: string): Promise<number> {
  const viewers = 20;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const memory = () => stack.hub.rss() + stack.agent.rss();
  const freeze = async () => {
    const frozen: Channel[] = [];
    for (let i = 0; i < viewers; i++) {
      const viewer = await stack.view(flood);
      viewer.freeze();
      frozen.push(viewer);
    }
    await pause(2_000);
    return frozen;
  };
  // once as a warm-up, for the heap to grow
  for (const viewer of await freeze()) viewer.close();
  await pause(2_000);
  const before = memory();
  const frozen = await freeze();
  const cost = (memory() - before) / viewers;
  for (const viewer of frozen) viewer.close();
  await pause(1_000);
  return Math.max(0, cost);
}

/** The influence of screens on each other: a measurement of invariant I5. */
export async function company(stack: Stack, quick: boolean): Promise<Company> {
  const seconds = quick ? 1 : 5;
  const echo = await stack.session('echo');
  const flood = await stack.session('flood');
  const busy = await stack.session('busy');

  const frozenBytes = await costOfFrozen(stack, flood);

  const one = await stack.view(echo);
  await echoRoundTrips(one, 500, 2_000);
  const alone = distribution(await echoRoundTrips(one, Number.POSITIVE_INFINITY, seconds * 1000));
  const screens = await stack.takers(busy, 4);
  const besideFourBusy = distribution(await echoRoundTrips(one, Number.POSITIVE_INFINITY, seconds * 1000));
  one.close();
  await screens.stop();

  const viewers: Channel[] = [];
  for (let i = 0; i < 50; i++) viewers.push(await stack.view(echo));
  await echoes(viewers, 1);
  // in turns, so that a noisy minute hits all of them
  const samples = { fifty: [] as number[], frozen: [] as number[], download: [] as number[] };
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    samples.fifty.push(...(await echoes(viewers, 1.5)));
    const frozen = await stack.view(flood);
    frozen.freeze();
    samples.frozen.push(...(await echoes(viewers, 1.5)));
    const download = await stack.takers(flood, 1);
    samples.download.push(...(await echoes(viewers, 1.5)));
    frozen.close();
    await download.stop();
  }
  const fifty = distribution(samples.fifty);
  const fiftyAndFrozen = distribution(samples.frozen);
  const fiftyFrozenAndDownload = distribution(samples.download);
  for (const viewer of viewers) viewer.close();

  const streams = 10;
  const floods = await Promise.all(Array.from({ length: streams }, () => stack.view(flood)));
  const bytes = floods.map(() => 0);
  for (const [index, channel] of floods.entries()) channel.onData((data) => void (bytes[index]! += data.length));
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const elapsed = (performance.now() - started) / 1000;
  const rates = bytes.map((n) => n / elapsed / 1024 / 1024);
  for (const channel of floods) channel.close();
  return {
    alone,
    besideFourBusy,
    fifty,
    fiftyAndFrozen,
    fiftyFrozenAndDownload,
    frozenBytes,
    flood: { streams, slowest: Math.min(...rates), fastest: Math.max(...rates) },
  };
}
