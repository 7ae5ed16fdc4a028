export interface Rule {
  alert: string;
  expr: string;
  for: string;
  severity: 'warning' | 'critical';
  summary: string;
  /** What to do. */
  description: string;
}

/** Alerts of the charts and of observability/rules.yaml, each with what to do. A test fails on a metric that nobody emits (failure 16). */
export const RULES: readonly Rule[] = [
  {
    alert: 'StreamSpaceStoreDown',
    expr: 'min by (instance) (streamspace_hub_store_up) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'A hub replica has no store',
    description: 'Screens go on, commands are refused. Look at STORE_URL and what runs there; GET /health says why.',
  },
  {
    alert: 'StreamSpaceCommandsSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(streamspace_hub_command_seconds_bucket{until="sent"}[5m]))) > 5',
    for: '10m',
    severity: 'warning',
    summary: 'Commands take more than 5 s to reach their agent',
    description: 'Agents that are away, a slow store, or signals between replicas that are lost.',
  },
  {
    alert: 'StreamSpaceCommandsFail',
    expr: 'sum(rate(streamspace_hub_commands_total{state="failed"}[10m])) > 0.2 * sum(rate(streamspace_hub_commands_total{state=~"failed|completed"}[10m]))',
    for: '10m',
    severity: 'warning',
    summary: 'More than a fifth of the commands fail',
    description: 'The reason of each is in GET /api/v1/commands/:id and in the log of its agent.',
  },
  {
    alert: 'StreamSpaceStoreReplicaMissing',
    expr: 'max by (instance) (streamspace_hub_commands_unsettled) > 0',
    for: '1m',
    severity: 'critical',
    summary: 'The replica of the store is missing, and STORE_WAIT_REPLICAS wants one',
    description:
      'Nothing is accepted, and the next commands of sessions wait. Look at the replicas of Redis or Valkey.',
  },
  {
    alert: 'StreamSpaceWorkQueueLong',
    expr: 'max by (instance) (streamspace_hub_work_queue) > 1000',
    for: '5m',
    severity: 'warning',
    summary: 'A hub replica stores slower than its agents speak',
    description: 'A slow store, or too few replicas of the hub.',
  },
  {
    alert: 'StreamSpaceHubBusy',
    expr: 'max by (instance) (nodejs_eventloop_lag_p99_seconds{job=~".*api.*"}) > 0.25',
    for: '5m',
    severity: 'warning',
    summary: 'A hub replica is too busy',
    description: 'More replicas, or more CPU for each.',
  },
  {
    alert: 'StreamSpacePeersUnreachable',
    expr: 'sum by (instance) (rate(streamspace_hub_peer_requests_total{outcome="unreachable"}[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'Replicas of the hub do not reach each other',
    description: 'Look at HUB_ADDRESS and at NetworkPolicies between the replicas: screens of agents elsewhere fail.',
  },
  {
    alert: 'StreamSpaceAgentsRefused',
    expr: 'sum by (code) (rate(streamspace_hub_refusals_total{code!="rate_limited"}[10m])) > 0.05',
    for: '15m',
    severity: 'warning',
    summary: 'Agents are refused again and again',
    description: 'The remedy is in the log of the agent, and in GET /api/v1/agents/:id/timeline.',
  },
  {
    alert: 'StreamSpaceAgentLost',
    expr: 'max(streamspace_api_agents{connected="false"}) > 0',
    for: '15m',
    severity: 'warning',
    summary: 'An agent that was there is not connected',
    description: 'Its commands wait for it until they expire.',
  },
  {
    alert: 'StreamSpaceNoLeader',
    expr: 'max by (namespace, job) (streamspace_agent_is_leader) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'No replica of an agent leads',
    description: 'Look at the Lease and at the log of the replicas.',
  },
  {
    alert: 'StreamSpaceTwoLeaders',
    expr: 'sum by (namespace, job) (streamspace_agent_is_leader) > 1',
    for: '2m',
    severity: 'critical',
    summary: 'Two replicas of an agent believe that they lead',
    description: 'The hub lets one of them act (terms); look at the Lease, or at several agents under one job.',
  },
  {
    alert: 'StreamSpaceHeartbeatOld',
    expr: 'time() - max by (namespace, job) (streamspace_agent_heartbeat_last_success_timestamp) > 180',
    for: '1m',
    severity: 'critical',
    summary: "The control plane answers none of an agent's heartbeats",
    description: 'The network between agent and control plane, or the control plane itself.',
  },
  {
    alert: 'StreamSpaceAgentCommandsSlow',
    expr: 'histogram_quantile(0.95, sum by (namespace, job, le) (rate(streamspace_agent_command_duration_seconds_bucket[5m]))) > 60',
    for: '10m',
    severity: 'warning',
    summary: 'One command in twenty takes an agent longer than a minute',
    description:
      'Look at session pods that are pending (kubectl get pods -l app=session), at images that are large, at the quota.',
  },
];

/** Where the page of an alert is. */
export const runbook = ({ alert }: Rule): string =>
  `https://github.com/streamspace-dev/streamspace/blob/main/docs/alerts.md#${alert.toLowerCase()}`;
