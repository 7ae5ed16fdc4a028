import { AGENT } from '@streamspace/settings';
import Type, { type Static } from 'typebox';
import * as agent from './agent.ts';
import { api } from './api.ts';
import * as common from './common.ts';
import { flag, fromSetting, integer, labels, section, string } from './kinds.ts';
import { redis } from './redis.ts';
import { disruption, scheduling } from './workload.ts';

const observability = section('Observability', {
  serviceMonitor: section('ServiceMonitor of the api (Prometheus operator)', {
    enabled: flag('Make one', false),
    ...common.monitoring,
  }),
  podMonitor: section('PodMonitor of the agent’s replicas (Prometheus operator)', {
    enabled: flag('Make one', false),
    ...common.monitoring,
  }),
  prometheusRule: section('Alerts (Prometheus operator)', {
    enabled: flag('Make them', false),
    labels: labels('Labels by which Prometheus selects them'),
  }),
  dashboard: section('Grafana dashboard, as a ConfigMap', {
    enabled: flag('Make it', false),
    labels: labels('Labels by which Grafana’s sidecar finds it, e.g. grafana_dashboard: "1"'),
    folder: string('Folder in Grafana', 'StreamSpace', ['on']),
  }),
});

/** Values of the umbrella chart. */
export const StreamspaceValues = Type.Object(
  {
    global: common.global,
    ...common.naming,
    namespace: section('The release’s namespace', {
      create: flag('Make it; not with Helm, which makes it with --create-namespace', false),
      podSecurity: Type.Unsafe<'restricted' | 'baseline' | 'privileged'>({
        type: 'string',
        enum: ['restricted', 'baseline', 'privileged'],
        default: 'restricted',
        description: 'Pod Security level of its pods',
      }),
    }),
    enrolment: common.enrolment,
    ca: common.ca,
    api,
    k8sAgent: section('The agent in this cluster', {
      enabled: flag('Install it', true),
      replicaCount: integer('Replicas; more than one needs ha.enabled', 1, 0, 100),
      config: section('Configuration of the agent', {
        ...agent.identity,
        agentId: fromSetting(AGENT.agentId, { default: 'k8s-prod-cluster' }),
        ...agent.tuning,
      }),
      ha: agent.ha,
      metrics: agent.metrics,
      rbac: section('Rights of the agent in the sessions’ namespace: a Role, never a ClusterRole', agent.rbac),
      admissionPolicy: agent.admissionPolicy,
      sessionNamespace: agent.sessionNamespace,
      resourceQuota: common.quota,
      ...agent.agentWorkload,
      ...scheduling,
      pdb: disruption(true),
    }),
    redis,
    networkPolicy: common.networkPolicy,
    observability,
    argocd: common.argocd,
    extraObjects: common.extraObjects,
  },
  { ...common.root, description: 'Values of StreamSpace' },
);
export type StreamspaceValues = Static<typeof StreamspaceValues>;
