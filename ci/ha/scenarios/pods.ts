import type { Scenario } from '../scenario.ts';

const required = [
  { figure: 'failover', ms: 20_000 },
  { figure: 'silence', ms: 20_000 },
] as const;

/** H2: the leader's pod is deleted, as by a drain or a rollout: it may say goodbye. */
export const podDeleted: Scenario = {
  id: 'H2a',
  title: 'leader’s pod deleted',
  required,
  goals: [
    { figure: 'failover', ms: 1_000 },
    { figure: 'viewer', ms: 2_000 },
  ],
  async inject(stage) {
    const leader = await stage.cluster.leader();
    stage.fault(`stop ${leader.name}`);
    await stage.cluster.stop(leader);
  },
};

/** H2: the leader's process is killed from the node, without warning. */
export const containerKilled: Scenario = {
  id: 'H2b',
  title: 'leader’s container killed',
  required,
  goals: [
    { figure: 'failover', ms: 3_000 },
    { figure: 'viewer', ms: 4_000 },
  ],
  async inject(stage) {
    const leader = await stage.cluster.leader();
    stage.fault(`kill -9 in ${leader.name}`);
    await stage.cluster.kill(leader);
  },
};

/** H5: every replica's pod is deleted, one after the other. */
export const podsRestarted: Scenario = {
  id: 'H5a',
  title: 'every agent pod restarted in turn',
  required: [],
  goals: [{ figure: 'viewer', ms: 2_000 }],
  async inject(stage) {
    for (const pod of await stage.cluster.pods('k8s-agent')) {
      stage.fault(`stop ${pod.name}`);
      await stage.cluster.stop(pod);
      await stage.healthy();
    }
  },
};

/** H5: the leader's process is stopped for that time, then continued: it believes that it leads. */
const stopped = (id: string, seconds: number): Scenario => ({
  id,
  title: `leader’s process stopped for ${seconds} s`,
  required: [],
  goals: [{ figure: 'failover', ms: 6_000 }],
  async inject(stage) {
    const leader = await stage.cluster.leader();
    stage.fault(`SIGSTOP of ${leader.name}`);
    await stage.cluster.freeze(leader);
    await stage.pause(seconds * 1_000);
    await stage.cluster.thaw(leader);
    stage.mended(`SIGCONT of ${leader.name}`);
  },
});

export const frozen = stopped('H5h', 60);
/** Long enough for another leader, which the first meets when it continues. */
export const frozenShortly = stopped('H5i', 8);
