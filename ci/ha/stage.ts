import { type Entry, isFinal, type Recorder } from './history.ts';
import type { Hub } from './hub.ts';
import type { LeaderView, Platform, Pod } from './platform.ts';
import { until } from './until.ts';

/** Conditions for a healthy leader with two standbys, and the longest wait for them. Milliseconds. */
const HEALTHY_MS = 240_000;
const SERVED_MS = 60_000;

/** What a scenario acts on: the installation, the hub, and the history of its round. */
export class Stage<P extends Platform = Platform> {
  readonly cluster: P;
  readonly hub: Hub;
  readonly recorder: Recorder;

  constructor(cluster: P, hub: Hub, recorder: Recorder) {
    this.cluster = cluster;
    this.hub = hub;
    this.recorder = recorder;
  }

  /** The fault begins now. */
  fault(what: string): void {
    this.recorder.note({ kind: 'fault', what });
  }

  /** The injected fault is repaired. */
  mended(what: string): void {
    this.recorder.note({ kind: 'mended', what });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Waits until a command that is accepted from now on has completed; rejects after a minute. */
  async served(): Promise<void> {
    const { entries, now } = this.recorder;
    await until('a command is served again', async () => completedSince(entries, now), SERVED_MS);
  }

  /** The replica of the hub that accepted the agent's connection last, by its log. */
  async hubOfLeader(): Promise<Pod> {
    const { connected_since: since } = (await this.hub.agentNow()) ?? {};
    const pods = await this.cluster.pods('api');
    const name = this.recorder.entries.findLast((entry) => entry.kind === 'registered' && entry.by === 'log');
    const known = pods.find((pod) => name?.kind === 'registered' && pod.name === name.hub);
    if (known !== undefined) return known;
    // the agent connected before the round: the log of that replica has the line
    for (const pod of pods) {
      const log = await this.cluster.log(pod);
      const lines = log.split('\n').filter((line) => line.includes('"Registered agent"'));
      const times = lines.map((line) => (JSON.parse(line) as { time: number }).time);
      if (typeof since === 'string' && times.some((time) => Math.abs(time - Date.parse(since)) < 2_000)) return pod;
    }
    throw new Error('no replica of the hub says that it holds the agent');
  }

  /** Waits until there are one leader, which the hub has, and two standbys that know it, and all other pods are ready too. */
  async healthy(): Promise<{ leader: string; standbys: string[]; term: number }> {
    const found = await until('one leader and two standbys', () => this.#healthy(), HEALTHY_MS);
    this.recorder.note({ kind: 'healthy', ...found });
    return found;
  }

  async #healthy() {
    const { cluster } = this;
    await this.pause(150);
    const components = ['k8s-agent', 'api', 'redis'] as const;
    const pods = await Promise.all(components.map((component) => cluster.pods(component)));
    for (const [index, component] of components.entries()) {
      const some = pods[index]!;
      const well = some.filter(({ ready, deleting, phase }) => ready && !deleting && phase === 'Running');
      const names = some.map(
        ({ name, ready, deleting }) => `${name} ${deleting ? 'deleting' : ready ? 'ready' : 'not ready'}`,
      );
      const expected = cluster.expected[component];
      // a terminating pod may remain, except of the agent: it might lead
      if (well.length !== expected || (index === 0 && some.length !== expected)) throw new Error(names.join(', '));
    }
    const agents = pods[0]!;
    const now = await this.hub.agentNow();
    if (now?.connected !== true) throw new Error('the hub has no connection of the agent');
    if (!agents.some(({ name }) => name === now.leader)) throw new Error(`the hub has ${now.leader}, which is gone`);
    const views = await Promise.all(
      agents.map(async (pod) => ({ pod: pod.name, ...(await cluster.ask<LeaderView>(pod, 8080, '/leader')) })),
    );
    const told = views.map((view) => `${view.pod} leads: ${view.is_leader}, follows ${view.leader} (${view.term})`);
    const agree = views.every((view) => view.leader === now.leader && view.term === now.term);
    const leads = views.filter((view) => view.is_leader).map(({ pod }) => pod);
    if (!agree || leads.length !== 1 || leads[0] !== now.leader)
      throw new Error(`the hub has ${now.leader} (${now.term}); ${told.join('; ')}`);
    return {
      leader: now.leader,
      standbys: agents.map(({ name }) => name).filter((name) => name !== now.leader),
      term: now.term,
    };
  }
}

/** Whether a command that was accepted after `t` has completed. */
function completedSince(entries: readonly Entry[], t: number): boolean {
  const accepted = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'accepted' && entry.t > t) accepted.add(entry.command);
    if (entry.kind === 'seen' && isFinal(entry.state) && entry.state === 'completed' && accepted.has(entry.command))
      return true;
  }
  return false;
}
