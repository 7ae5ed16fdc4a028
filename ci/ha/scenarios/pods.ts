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
    stage.fault(`delete pod ${leader.name}`);
    await stage.cluster.deletePod(leader.name);
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
    await stage.cluster.signal(leader, 'KILL');
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
      stage.fault(`delete pod ${pod.name}`);
      await stage.cluster.deletePod(pod.name);
      await stage.healthy();
    }
  },
};

/** H5: the leader's process is stopped for a minute, then continued. */
export const frozen: Scenario = {
  id: 'H5h',
  title: 'leader’s process stopped for 60 s',
  required: [],
  goals: [{ figure: 'failover', ms: 6_000 }],
  async inject(stage) {
    const leader = await stage.cluster.leader();
    stage.fault(`SIGSTOP of ${leader.name}`);
    await stage.cluster.signal(leader, 'STOP');
    await stage.pause(60_000);
    // the kubelet may have replaced the container by now
    await stage.cluster.signal(leader, 'CONT').catch(() => undefined);
    stage.mended(`SIGCONT of ${leader.name}`);
  },
};
