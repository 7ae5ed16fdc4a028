import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { check } from './checker.ts';
import { type Figures, figures } from './figures.ts';
import { Recorder } from './history.ts';
import { Load } from './load.ts';
import type { LeaderView, Platform } from './platform.ts';
import type { Rig } from './rig.ts';
import type { Bound, Scenario } from './scenario.ts';
import { Stage } from './stage.ts';
import { timeline } from './timeline.ts';
import { until } from './until.ts';
import { view } from './viewer.ts';

/** Load that must be served without a break before the fault. */
const BASELINE = { commands: 20, ms: 3_000 };
const BASELINE_MS = 60_000;
/** Duration of the load after the recovery. */
const AFTER_MS = 1_000;
/** Longest wait after the recovery for all accepted commands to end, and for hub and cluster to agree. */
const END_MS = 60_000;
const AGREE_MS = 15_000;

export interface RoundResult {
  scenario: string;
  round: number;
  /** All faults, in words. */
  wrong: string[];
  /** The number of lost accepted commands, and of doubled effects, among them. */
  lost: number;
  doubled: number;
  figures: Figures;
  /** For a replica that was a standby during the whole round: share of one core, and bytes in memory. Undefined: there was none. */
  standby: { cpu: number; memory: number } | undefined;
  /** The whole machine's load average (1 minute) at the end. */
  load: number;
  folder: string;
  /** Duration of the round, milliseconds. */
  took: number;
}

/** Plays a scenario once: load, fault, consequences. Writes everything into `folder`. Never rejects: a failure counts as a fault. */
export async function playRound<P extends Platform>(
  rig: Rig<P>,
  scenario: Scenario<P>,
  round: number,
  folder: string,
): Promise<RoundResult> {
  await mkdir(folder, { recursive: true });
  const began = performance.now();
  const wrong: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      wrong.push(`${what}: ${(error as Error).message}`);
      return false;
    }
  };

  // a separate recorder for the preparation, whose history does not count
  const before = new Recorder(join(folder, 'prepare.ndjson'));
  const prepared = await attempt('preparation', async () => {
    await scenario.prepare?.(new Stage(rig.cluster, rig.hub, before));
  });
  await before.close();

  const recorder = new Recorder(join(folder, 'history.ndjson'));
  const note = recorder.note.bind(recorder);
  note({ kind: 'begin', scenario: scenario.id, round, wall: recorder.wall, screen: rig.screen });
  await rig.observer.record(recorder, folder);
  const stage = new Stage(rig.cluster, rig.hub, recorder);
  const load = new Load(rig.hub, note, (wall) => recorder.at(wall));
  rig.observer.onCommand = (command) => load.seen(command);
  const look = new AbortController();
  const viewing = view(rig.hub, rig.screen, note, look.signal);
  const used = await standbyUse(rig);
  load.start(`${scenario.id.toLowerCase().replace(' ', '-')}-${round}-${rig.run}`);

  if (
    prepared &&
    (await attempt('before the fault', () => (scenario.served === false ? stage.pause(2_000) : baseline(stage))))
  ) {
    await attempt('the injection', () => scenario.inject(stage));
    await attempt('afterwards', () => stage.healthy());
    await attempt('the screen', () => screenIsBack(stage));
    await stage.pause(AFTER_MS);
  }
  note({ kind: 'note', text: 'the load ends' });
  await load.stop(END_MS);
  rig.observer.onCommand = () => {};
  await attempt('hub and cluster agree', () =>
    until(
      'the same sessions there and there',
      async () => {
        note({ kind: 'sessions', items: (await rig.hub.sessions()).map(({ id, state }) => ({ id, state })) });
        return check(recorder.entries).wrong.every((each) => !each.startsWith('session '));
      },
      AGREE_MS,
    ),
  );
  look.abort(new Error('the round is over'));
  await viewing;
  rig.observer.rest();

  const measured = figures(recorder.entries);
  const verdict = check(recorder.entries);
  wrong.push(...verdict.wrong, ...(scenario.check?.(recorder.entries, measured) ?? []));
  wrong.push(...scenario.required.flatMap((bound) => missed(bound, measured)));
  await writeFile(join(folder, 'timeline.txt'), timeline(recorder.entries));
  await recorder.close();
  const result: RoundResult = {
    scenario: scenario.id,
    round,
    wrong,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length,
    figures: measured,
    standby: await used(),
    load: loadavg()[0]!,
    folder,
    took: Math.round(performance.now() - began),
  };
  await writeFile(join(folder, 'result.json'), JSON.stringify(result, null, 2));
  if (wrong.length > 0) {
    await rig.cluster.leaveTraces(folder);
    await rig.clear();
  }
  return result;
}

/** Commands and the screen flow. */
async function baseline(stage: Stage): Promise<void> {
  await until(
    'commands are served and the screen shows something',
    async () => {
      const since = stage.recorder.now - BASELINE.ms;
      const recent = stage.recorder.entries.filter(({ t }) => t >= since);
      const served = recent.filter((entry) => entry.kind === 'seen' && entry.state === 'completed').length;
      return since > 0 && served >= BASELINE.commands && recent.some(({ kind }) => kind === 'frame');
    },
    BASELINE_MS,
  );
}

async function screenIsBack(stage: Stage): Promise<void> {
  const from = stage.recorder.now;
  await until(
    'a picture',
    async () => stage.recorder.entries.findLast(({ kind }) => kind === 'frame')!.t > from,
    BASELINE_MS,
  );
}

function missed({ figure, ms }: Bound, measured: Figures): string[] {
  const value = measured[figure];
  if (value === undefined) return [`${figure}: nothing was measured, and less than ${ms} ms is required`];
  return value < ms ? [] : [`${figure}: ${Math.round(value)} ms, and less than ${ms} ms is required`];
}

/** Begins to measure the CPU and memory of standbys; the result is of a replica that was a standby all the time. */
async function standbyUse({ cluster }: Rig<Platform>): Promise<() => Promise<RoundResult['standby']>> {
  const look = async () => {
    const pods = await cluster.pods('k8s-agent').catch(() => []);
    const uses = pods.map(async (pod) => {
      const view = await cluster.ask<LeaderView>(pod, 8080, '/leader');
      return { id: pod.containers[0]?.id, leads: view.is_leader, ...(await cluster.use(pod)) };
    });
    const all = await Promise.allSettled(uses);
    return all.flatMap((each) => (each.status === 'fulfilled' && !each.value.leads ? [each.value] : []));
  };
  const [before, from] = [await look(), performance.now()];
  return async () => {
    for (const now of await look()) {
      const then = before.find(({ id }) => id === now.id);
      if (then !== undefined)
        return { cpu: ((now.cpuSeconds - then.cpuSeconds) * 1_000) / (performance.now() - from), memory: now.memory };
    }
    return undefined;
  };
}
