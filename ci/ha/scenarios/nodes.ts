import type { HaCluster } from '../kubernetes/cluster.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const required = [
  { figure: 'failover', ms: 20_000 },
  { figure: 'silence', ms: 20_000 },
] as const;
const goals = [
  { figure: 'failover', ms: 6_000 },
  { figure: 'viewer', ms: 7_000 },
] as const;

/** The workers hold replicas only (ci/kind-values.yaml, values.ts): sessions and the store are elsewhere. */
async function worker(stage: Stage<HaCluster>): Promise<string> {
  const { name, node } = await stage.cluster.leader();
  if (node.endsWith('control-plane')) throw new Error(`the leader ${name} is on ${node}, which can't be taken away`);
  return node;
}

/** Replicas, also of the hub, must be on both workers: if one node had all of them, no replica could take over. */
async function spread(stage: Stage<HaCluster>): Promise<void> {
  for (const component of ['k8s-agent', 'api'] as const) {
    await until(
      `replicas of ${component} on more than one node`,
      async () => {
        const pods = await stage.cluster.pods(component);
        if (new Set(pods.map(({ node }) => node)).size > 1) return true;
        await stage.cluster.deletePod(pods[0]!.name);
        await stage.healthy();
        return false;
      },
      120_000,
    );
  }
}

const ready = async (stage: Stage<HaCluster>, node: string): Promise<void> => {
  await stage.cluster.kubectl('wait', `node/${node}`, '--for=condition=Ready', '--timeout=120s');
};

/** H2: the leader's node is paused, and resumes later. */
export const nodePaused: Scenario<HaCluster> = {
  id: 'H2c',
  title: 'leader’s node paused',
  required,
  goals,
  prepare: spread,
  async inject(stage) {
    const node = await worker(stage);
    stage.fault(`docker pause ${node}`);
    await stage.cluster.docker('pause', node);
    try {
      await stage.served();
      await stage.pause(3_000);
    } finally {
      await stage.cluster.docker('unpause', node);
      stage.mended(`docker unpause ${node}`);
    }
    await ready(stage, node);
  },
};

/** H2: the leader's node dies, and is started again later. */
export const nodeKilled: Scenario<HaCluster> = {
  id: 'H2d',
  title: 'leader’s node killed',
  required,
  goals,
  prepare: spread,
  async inject(stage) {
    const node = await worker(stage);
    stage.fault(`docker kill ${node}`);
    await stage.cluster.docker('kill', node);
    try {
      await stage.served();
    } finally {
      await stage.cluster.docker('start', node);
      stage.mended(`docker start ${node}`);
    }
    await ready(stage, node);
  },
};
