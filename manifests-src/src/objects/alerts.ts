import { concat } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';

/** Alerts on the agents' metrics. A test holds the metrics' names against those that the programs emit. */
export function alerts(namespace: Expr<string>) {
  const here = concat('{namespace="', namespace, '"}');
  return [
    {
      alert: 'StreamspaceAgentHeartbeatOld',
      expr: concat('time() - max by (namespace) (streamspace_agent_heartbeat_last_success_timestamp', here, ') > 120'),
      for: '1m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'No heartbeat of the agent has reached the control plane for two minutes',
        description:
          'The last one was {{ $value | humanizeDuration }} ago. Look at the agent’s log and at GET /leader on its health port.',
      },
    },
    {
      alert: 'StreamspaceAgentCommandsSlow',
      expr: concat(
        'histogram_quantile(0.95, sum by (le) (rate(streamspace_agent_command_duration_seconds_bucket',
        here,
        '[5m]))) > 60',
      ),
      for: '10m',
      labels: { severity: 'warning' },
      annotations: {
        summary: 'One command in twenty takes longer than a minute',
        description:
          'p95 is {{ $value | humanizeDuration }}. Look at pending session pods: kubectl get pods -l app=session',
      },
    },
  ];
}
