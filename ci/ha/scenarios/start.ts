import { registrations } from '../checker.ts';
import type { HaCluster } from '../kubernetes/cluster.ts';
import type { Scenario } from '../scenario.ts';
import { until } from '../until.ts';

/** H1: three replicas start at once. */
export const start: Scenario<HaCluster> = {
  id: 'H1',
  title: 'three replicas start',
  required: [],
  goals: [{ figure: 'start', ms: 1_000 }],
  served: false,
  async prepare({ cluster }) {
    await cluster.kubectl('scale', 'deployment/streamspace-k8s-agent', '--replicas=0');
    await until('no replica is left', async () => (await cluster.pods('k8s-agent')).length === 0, 90_000);
  },
  async inject(stage) {
    stage.fault('three replicas start');
    await stage.cluster.kubectl('scale', 'deployment/streamspace-k8s-agent', '--replicas=3');
  },
  check(history) {
    const made = registrations(history).map(({ replica, term }) => `${replica} (${term})`);
    const healthy = history.findLast((entry) => entry.kind === 'healthy');
    const lease = history.findLast((entry) => entry.kind === 'lease' && entry.change !== 'deleted');
    const wrong = made.length === 1 ? [] : [`${made.length} registrations instead of one: ${made.join(', ')}`];
    const holder = lease?.kind === 'lease' ? lease.holder.split('_')[0] : undefined;
    if (healthy?.kind === 'healthy' && holder !== healthy.leader)
      wrong.push(`the Lease's holder is ${holder}, the leader is ${healthy.leader}`);
    return wrong;
  },
};
