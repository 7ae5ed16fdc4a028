import type { HaCluster } from '../kubernetes/cluster.ts';
import type { Scenario } from '../scenario.ts';
import { everythingDeleted, leaderAndHubKilled, storeRestarted } from './hub.ts';
import { leaseDeleted, leaseDeletedAgain } from './lease.ts';
import { cutFromAll, cutFromApiServer, cutFromHub, cutOneWay } from './network.ts';
import { nodeKilled, nodePaused } from './nodes.ts';
import { containerKilled, frozen, podDeleted, podsRestarted } from './pods.ts';
import { agentRolled, hubRolled, upgraded } from './rollouts.ts';
import { start } from './start.ts';

/** On kind, in an order that suits one cluster: the upgrade makes the installation for the others, node failures come last. */
export const SCENARIOS: readonly Scenario<HaCluster>[] = [
  upgraded,
  start,
  podDeleted,
  containerKilled,
  leaseDeleted,
  leaseDeletedAgain,
  cutFromApiServer,
  cutFromHub,
  cutFromAll,
  cutOneWay,
  podsRestarted,
  agentRolled,
  hubRolled,
  storeRestarted,
  leaderAndHubKilled,
  everythingDeleted,
  frozen,
  nodePaused,
  nodeKilled,
];
