import type { Scenario } from '../scenario.ts';

/** H5: the store is restarted. Accepted commands are on its disk. */
export const storeRestarted: Scenario = {
  id: 'H5e',
  title: 'Valkey restarted',
  required: [],
  goals: [],
  async inject(stage) {
    const [store] = await stage.cluster.pods('redis');
    stage.fault(`stop ${store!.name}`);
    await stage.cluster.stop(store!);
    await stage.served();
  },
};

/** H5: the leader, and the replica of the hub that holds its connection, are killed at the same moment. */
export const leaderAndHubKilled: Scenario = {
  id: 'H5f',
  title: 'leader and its hub replica killed together',
  required: [],
  goals: [{ figure: 'failover', ms: 6_000 }],
  async inject(stage) {
    const [leader, hub] = await Promise.all([stage.cluster.leader(), stage.hubOfLeader()]);
    stage.fault(`kill -9 in ${leader.name} and ${hub.name}`);
    await Promise.all([stage.cluster.kill(leader), stage.cluster.kill(hub)]);
    await stage.served();
  },
};

/** H5: every pod of the release, all at once, with a second to end. */
export const everythingDeleted: Scenario = {
  id: 'H5g',
  title: 'every agent, hub and store pod deleted at once',
  required: [],
  goals: [],
  async inject(stage) {
    const pods = await Promise.all((['k8s-agent', 'api', 'redis'] as const).map((each) => stage.cluster.pods(each)));
    stage.fault('stop every program of the installation');
    await Promise.all(pods.flat().map((pod) => stage.cluster.stop(pod, 1)));
    await stage.served();
  },
};
