export interface AlertRule {
  alert: string;
  expr: string;
  for: string;
  severity: 'warning' | 'critical';
  summary: string;
  /** The remedy. */
  description: string;
}

/** Alerts of the charts and of observability/rules.yaml, each with its remedy. A test fails for a metric that no program emits (failure 16). */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    alert: 'StreamSpaceStoreDown',
    expr: 'min by (instance) (streamspace_hub_store_up) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'A hub replica has no store',
    description:
      'Screens go on, but the hub refuses commands. Check STORE_URL and the store behind it; GET /health gives the reason.',
  },
  {
    alert: 'StreamSpaceCommandsSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(streamspace_hub_command_seconds_bucket{until="sent"}[5m]))) > 5',
    for: '10m',
    severity: 'warning',
    summary: 'Commands take more than 5 s to reach their agent',
    description: 'Causes: absent agents, a slow store, or lost signals between hub replicas.',
  },
  {
    alert: 'StreamSpaceCommandsFail',
    expr: 'sum(rate(streamspace_hub_commands_total{state="failed"}[10m])) > 0.2 * sum(rate(streamspace_hub_commands_total{state=~"failed|completed"}[10m]))',
    for: '10m',
    severity: 'warning',
    summary: 'More than a fifth of the commands fail',
    description: 'GET /api/v1/commands/:id and the log of the agent give the reason of each failure.',
  },
  {
    alert: 'StreamSpaceStoreReplicaMissing',
    expr: 'max by (instance) (streamspace_hub_commands_unsettled) > 0',
    for: '1m',
    severity: 'critical',
    summary: 'The store lacks a replica that STORE_WAIT_REPLICAS requires',
    description:
      'The hub accepts no commands, and the next commands of sessions wait. Check the replicas of Redis or Valkey.',
  },
  {
    alert: 'StreamSpaceWorkQueueLong',
    expr: 'max by (instance) (streamspace_hub_work_queue) > 1000',
    for: '5m',
    severity: 'warning',
    summary: 'A hub replica stores messages more slowly than its agents send them',
    description: 'Causes: a slow store, or too few hub replicas.',
  },
  {
    alert: 'StreamSpaceHubBusy',
    expr: 'max by (instance) (nodejs_eventloop_lag_p99_seconds{job=~".*api.*"}) > 0.25',
    for: '5m',
    severity: 'warning',
    summary: 'A hub replica is too busy',
    description: 'Add hub replicas, or give each more CPU.',
  },
  {
    alert: 'StreamSpacePeersUnreachable',
    expr: 'sum by (instance) (rate(streamspace_hub_peer_requests_total{outcome="unreachable"}[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'Hub replicas can’t reach each other',
    description:
      'Screens fail if their agent is connected to another replica. Check HUB_ADDRESS and the NetworkPolicies between the replicas.',
  },
  {
    alert: 'StreamSpaceAgentsRefused',
    expr: 'sum by (code) (rate(streamspace_hub_refusals_total{code!="rate_limited"}[10m])) > 0.05',
    for: '15m',
    severity: 'warning',
    summary: 'The hub refuses agents repeatedly',
    description: 'The log of the agent and GET /api/v1/agents/:id/timeline give the remedy.',
  },
  {
    alert: 'StreamSpaceAgentLost',
    expr: 'max(streamspace_api_agents{connected="false"}) > 0',
    for: '15m',
    severity: 'warning',
    summary: 'A known agent is not connected',
    description: 'Its commands wait for it until they expire. Check its pods and its log.',
  },
  {
    alert: 'StreamSpaceNoLeader',
    expr: 'max by (namespace, job) (streamspace_agent_is_leader) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'No replica of an agent leads',
    description: 'Check the Lease and the logs of the replicas.',
  },
  {
    alert: 'StreamSpaceTwoLeaders',
    expr: 'sum by (namespace, job) (streamspace_agent_is_leader) > 1',
    for: '2m',
    severity: 'critical',
    summary: 'Two replicas of an agent believe that they lead',
    description:
      'The hub lets only one of them act (terms). Check the Lease, and whether several agents share one job.',
  },
  {
    alert: 'StreamSpaceHeartbeatOld',
    expr: 'time() - max by (namespace, job) (streamspace_agent_heartbeat_last_success_timestamp) > 180',
    for: '1m',
    severity: 'critical',
    summary: "The control plane answers none of an agent's heartbeats",
    description: 'Check the network between agent and control plane, and the control plane itself.',
  },
  {
    alert: 'StreamSpaceAgentCommandsSlow',
    expr: 'histogram_quantile(0.95, sum by (namespace, job, le) (rate(streamspace_agent_command_duration_seconds_bucket[5m]))) > 60',
    for: '10m',
    severity: 'warning',
    summary: 'One command in twenty takes longer than a minute',
    description: 'Check for pending session pods (kubectl get pods -l app=session), large images, and the quota.',
  },
];

/** URL of an alert's page. */
export const runbook = ({ alert }: AlertRule): string =>
  `https://github.com/streamspace-dev/streamspace/blob/main/docs/alerts.md#${alert.toLowerCase()}`;
