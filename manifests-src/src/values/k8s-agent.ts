import { AGENT } from '@streamspace/settings';
import Type, { type Static } from 'typebox';
import * as agent from './agent.ts';
import * as common from './common.ts';
import { flag, fromSetting, integer, labels, section } from './kinds.ts';
import { disruption, scheduling } from './workload.ts';

const { agentId, controlPlaneUrl: _ownHub, ...identity } = agent.identity;
const { resources, serviceAccount, ...workload } = agent.agentWorkload;
const { affinity, podAntiAffinity, ...placement } = scheduling;

/** URL of the control plane by default: the example of the agent’s guide. */
export const EXAMPLE_URL = 'wss://streamspace.example.com';

/** Values of the chart for clusters that hold no control plane. */
export const K8sAgentValues = Type.Object(
  {
    global: common.global,
    ...common.naming,
    agent: section('The agent', {
      id: agentId,
      controlPlaneUrl: fromSetting(AGENT.controlPlaneUrl, { default: EXAMPLE_URL }),
      ...identity,
      replicaCount: integer('Replicas; more than one needs ha.enabled', 1, 0, 100),
      resources,
      config: section('More configuration', agent.tuning),
      metrics: agent.metrics,
      ...workload,
      ...placement,
      pdb: disruption(true),
    }),
    ha: agent.ha,
    enrolment: common.enrolment,
    ca: common.ca,
    rbac: section('Rights of the agent in the sessions’ namespace: a Role, never a ClusterRole', agent.rbac),
    admissionPolicy: agent.admissionPolicy,
    serviceAccount,
    affinity: section('Placement of the replicas', { podAntiAffinity, custom: affinity }),
    sessionNamespace: agent.sessionNamespace,
    resourceQuota: common.quota,
    networkPolicy: section('NetworkPolicies: only required traffic passes', withoutStore()),
    podMonitor: section('PodMonitor (Prometheus operator)', { enabled: flag('Make one', false), ...common.monitoring }),
    prometheusRule: section('Alerts (Prometheus operator)', {
      enabled: flag('Make them', false),
      labels: labels('Labels by which Prometheus selects them'),
    }),
    argocd: common.argocd,
    extraObjects: common.extraObjects,
  },
  { ...common.root, description: 'Values of the StreamSpace agent' },
);
export type K8sAgentValues = Static<typeof K8sAgentValues>;

function withoutStore() {
  const { store: _store, api: _api, redis: _redis, ...rest } = common.networkPolicy.properties;
  return rest;
}
