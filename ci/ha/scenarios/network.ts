import type { Entry } from '../history.ts';
import type { Cut } from '../platform.ts';
import type { Scenario } from '../scenario.ts';

/** A partition lasts at least so long: the Lease expires, and the old leader has time to do harm. Milliseconds. */
const LASTS_MS = 10_000;

/** H4: the leader's network is cut in that shape, and restored when another replica serves. */
function partition(id: string, title: string, from: Cut): Scenario {
  return {
    id,
    title,
    required: [],
    goals: [
      { figure: 'failover', ms: 6_000 },
      { figure: 'viewer', ms: 7_000 },
    ],
    async inject(stage) {
      const leader = await stage.cluster.leader();
      stage.fault(`${title}: ${leader.name}`);
      await stage.cluster.cut(leader, from);
      try {
        await stage.pause(LASTS_MS);
        await stage.served();
      } finally {
        await stage.cluster.heal(leader);
        stage.mended(`the network of ${leader.name}`);
      }
    },
    check: (history) => [...replaced(history), ...sameProcess(history)],
  };
}

/** The cut took effect: another leads. */
function replaced(history: readonly Entry[]): string[] {
  const fault = history.find((entry) => entry.kind === 'fault');
  const healthy = history.findLast((entry) => entry.kind === 'healthy');
  if (fault?.kind !== 'fault' || healthy?.kind !== 'healthy') return [];
  return fault.what.endsWith(healthy.leader) ? [`${healthy.leader}, which was cut off, still leads`] : [];
}

/** The old leader recovered as a standby: no container was restarted, no pod replaced. */
function sameProcess(history: readonly Entry[]): string[] {
  const first = new Map<string, number>();
  const wrong: string[] = [];
  for (const entry of history) {
    if (entry.kind !== 'pod' || entry.component !== 'k8s-agent') continue;
    const before = first.get(entry.uid);
    if (before === undefined) {
      first.set(entry.uid, entry.restarts);
      if (entry.change === 'added') wrong.push(`${entry.name}: a new pod, where nothing was deleted`);
    } else if (entry.restarts > before) {
      wrong.push(`${entry.name}: restarted instead of going back to standby`);
      first.set(entry.uid, entry.restarts);
    }
  }
  return wrong;
}

export const cutFromApiServer = partition('H4a', 'leader cut from the API server', 'lock');
export const cutFromHub = partition('H4b', 'leader cut from the hub', 'hub');
export const cutFromAll = partition('H4c', 'leader cut from both', 'both');
export const cutOneWay = partition('H4d', 'leader hears nothing (one way)', 'deaf');
