import type { HaCluster } from '../kubernetes/cluster.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const goals = [{ figure: 'viewer', ms: 2_000 }] as const;

const restart = async (stage: Stage<HaCluster>, deployment: string): Promise<void> => {
  stage.fault(`rollout restart of ${deployment}`);
  await stage.cluster.kubectl('rollout', 'restart', `deployment/${deployment}`);
  await stage.cluster.kubectl('rollout', 'status', `deployment/${deployment}`, '--timeout=180s');
  stage.mended(`${deployment} is rolled out`);
};

export const agentRolled: Scenario<HaCluster> = {
  id: 'H5b',
  title: 'rollout restart of the agent',
  required: [],
  goals,
  inject: (stage) => restart(stage, 'streamspace-k8s-agent'),
};

export const hubRolled: Scenario<HaCluster> = {
  id: 'H5c',
  title: 'rollout restart of the hub',
  required: [],
  goals,
  inject: (stage) => restart(stage, 'streamspace-api'),
};

/** H5: from one replica of each and no HA to test-values/ha.yaml, under load. */
export const upgraded: Scenario<HaCluster> = {
  id: 'H5d',
  title: 'helm upgrade from one replica to HA',
  required: [],
  goals: [],
  async prepare(stage) {
    await stage.cluster.install('one');
    await until(
      'one agent without HA is connected',
      async () => {
        const agent = await stage.hub.agentNow();
        return agent?.connected === true && (await stage.cluster.pods('k8s-agent')).length === 1;
      },
      120_000,
    );
  },
  async inject(stage) {
    stage.fault('helm upgrade to ha.yaml');
    await stage.cluster.install('ha');
    stage.mended('helm is done');
  },
};
