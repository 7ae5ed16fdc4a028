import type { DockerCluster } from '../docker/cluster.ts';
import type { LockKind } from '../docker/rig.ts';
import type { Bound, Scenario } from '../scenario.ts';
import { everythingDeleted, leaderAndHubKilled, storeRestarted } from './hub.ts';
import { leaseDeleted } from './lease.ts';
import { cutFromAll, cutFromApiServer, cutFromHub, cutOneWay } from './network.ts';
import { containerKilled, frozenShortly, podDeleted } from './pods.ts';

type DockerScenario = Scenario<DockerCluster>;

/** The engine is away that long, milliseconds: longer than a lease. */
const AWAY_MS = 6_000;

/** Every replica of the agent is killed at the same moment. */
const allKilled: DockerScenario = {
  id: 'H5j',
  title: 'every agent killed at once',
  required: [],
  goals: [{ figure: 'failover', ms: 6_000 }],
  async inject(stage) {
    const pods = await stage.cluster.pods('k8s-agent');
    stage.fault('kill -9 in every agent');
    await Promise.all(pods.map((pod) => stage.cluster.kill(pod)));
    await stage.served();
  },
};

/** The replica of the hub that has the leader's connection is killed. */
const hubKilled: DockerScenario = {
  id: 'H5k',
  title: 'the leader’s hub replica killed',
  required: [],
  goals: [],
  async inject(stage) {
    const hub = await stage.hubOfLeader();
    stage.fault(`kill -9 in ${hub.name}`);
    await stage.cluster.kill(hub);
    await stage.served();
  },
};

/** The socket of the engine is gone for these replicas, and comes back. */
function engineAway(id: string, title: string, whose: 'leader' | 'everybody'): DockerScenario {
  return {
    id,
    title,
    required: [],
    goals: [],
    async inject(stage) {
      const { cluster } = stage;
      const names = whose === 'leader' ? [(await cluster.leader()).name] : [...cluster.ways.keys()];
      stage.fault(`${title}: ${names.join(', ')}`);
      await cluster.cutEngine(names);
      try {
        await stage.pause(AWAY_MS);
      } finally {
        await cluster.healEngine(names);
        stage.mended('the socket of the engine');
      }
      await stage.served();
    },
  };
}

/** The scenarios of kind that mean the same here, in the words of Docker. */
const shared = (scenario: Scenario, title: string, goals: readonly Bound[] = scenario.goals): DockerScenario => ({
  ...scenario,
  title,
  goals,
});

/** Everything that is played on an engine with replicas that share that lock. */
export function dockerScenarios(lock: LockKind): DockerScenario[] {
  const killed: Bound = { figure: 'failover', ms: lock === 'file' ? 1_000 : 4_500 };
  const scenarios = [
    shared(podDeleted, 'leader stopped (SIGTERM)'),
    shared(containerKilled, 'leader killed', [killed]),
    shared(leaseDeleted, 'lock deleted'),
    ...(lock === 'redis' ? [shared(cutFromApiServer, 'leader cut from the lock’s store')] : []),
    shared(cutFromHub, 'leader cut from the hub'),
    ...(lock === 'redis' ? [shared(cutFromAll, 'leader cut from both')] : []),
    shared(cutOneWay, 'leader hears nothing (one way)'),
    engineAway('H4e', 'leader cut from the engine for 6 s', 'leader'),
    engineAway('H4f', 'engine away for 6 s', 'everybody'),
    shared(storeRestarted, 'store restarted'),
    shared(leaderAndHubKilled, 'leader and its hub replica killed'),
    shared(everythingDeleted, 'every agent, hub and store stopped'),
    shared(frozenShortly, frozenShortly.title.replace('process stopped', 'container paused')),
    allKilled,
    hubKilled,
  ];
  return scenarios.map((scenario) => ({ ...scenario, id: `${scenario.id} ${lock}` }));
}
