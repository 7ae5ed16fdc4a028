import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '@streamspace/protocol';
import { checkHistory, type CommandEntry, type CommandHistory, Random } from '@streamspace/testkit';
import { client } from './clients.ts';
import { Fleet, type FleetSize, until } from './fleet.ts';
import { monkey } from './monkey.ts';
import { World } from './world.ts';

/** Longest time after the last fault for all accepted commands to end, milliseconds. */
const HEAL_MS = 90_000;

export interface ChaosResult {
  wrong: string[];
  accepted: number;
  completed: number;
  failed: number;
  faults: number;
  /** Faults with a promotion of another server of the store. */
  promotions: number;
  /** Folder of the history and the logs. */
  folder: string;
}

/** Lets clients work during random kills and freezes, then checks the history. Programs have to be built. */
export async function chaos(
  { minutes, seed, clients = 8, ...size }: FleetSize & { minutes: number; seed: number; clients?: number },
  say: (text: string) => void,
): Promise<ChaosResult> {
  const chance = new Random(seed);
  const random = () => chance.next();
  const fleet = await Fleet.start(size);
  const world = new World(fleet.worldPort);
  const entries: CommandEntry[] = [];
  const note = (entry: CommandEntry) => void entries.push(entry);
  const enough = new AbortController();
  const giveUp = new AbortController();
  try {
    say(`chaos: ${size.hubs} hubs, ${size.agents} × ${size.replicas} agents, seed ${seed}, logs in ${fleet.folder}`);
    const working = Array.from({ length: clients }, () =>
      client({
        hub: fleet.balancer.url,
        token: fleet.token,
        note,
        random,
        enough: enough.signal,
        giveUp: giveUp.signal,
      }),
    );
    const harm = new AbortController();
    const harming = monkey(
      fleet,
      random,
      (what) => (note({ kind: 'fault', what }), say(`chaos: ${what}`)),
      harm.signal,
    );
    await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
    harm.abort();
    await harming;
    enough.abort();
    say('chaos: everything runs again; waiting for what was accepted');
    const patience = setTimeout(() => giveUp.abort(), HEAL_MS);
    await Promise.all(working);
    clearTimeout(patience);

    const history = async (): Promise<CommandHistory> => ({
      entries,
      effects: await world.effects(),
      live: (await world.live()).map(({ spec }) => spec.id),
      sessions: ((await fleet.get('/sessions?all=true')) as { items: Session[] }).items.map(({ id, state }) => ({
        id,
        state,
      })),
    });
    let last = await history();
    // reports of running sessions may still be in transit
    await until('hub and world agree', 15_000, async () => {
      last = await history();
      return checkHistory(last).length === 0;
    }).catch(() => undefined);
    const wrong = checkHistory(last);
    writeFileSync(join(fleet.folder, 'history.json'), JSON.stringify(last, null, 1));
    const ends = new Map<string, string>();
    for (const entry of entries) if (entry.kind === 'seen') ends.set(entry.command, entry.state);
    const count = (state: string) => [...ends.values()].filter((each) => each === state).length;
    return {
      wrong,
      accepted: new Set(entries.flatMap((entry) => (entry.kind === 'accepted' ? [entry.command] : []))).size,
      completed: count('completed'),
      failed: count('failed'),
      faults: entries.filter((entry) => entry.kind === 'fault').length,
      promotions: entries.filter((entry) => entry.kind === 'fault' && entry.what.includes('promoted')).length,
      folder: fleet.folder,
    };
  } finally {
    giveUp.abort();
    world.close();
    await fleet.stop();
  }
}
