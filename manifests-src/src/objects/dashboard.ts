/** A Grafana dashboard on the agents' metrics. */
export function dashboard() {
  const queries: [title: string, expr: string, unit: string][] = [
    ['Sessions', 'sum by (pod) (streamspace_agent_sessions_active{namespace="$namespace"})', 'short'],
    ['Screens', 'sum by (pod) (streamspace_agent_vnc_tunnels_active{namespace="$namespace"})', 'short'],
    [
      'Age of the last heartbeat',
      'time() - max by (pod) (streamspace_agent_heartbeat_last_success_timestamp{namespace="$namespace"} > 0)',
      's',
    ],
    [
      'Commands, p95',
      'histogram_quantile(0.95, sum by (le) (rate(streamspace_agent_command_duration_seconds_bucket{namespace="$namespace"}[5m])))',
      's',
    ],
    ['Uptime', 'streamspace_agent_uptime_seconds{namespace="$namespace"}', 's'],
  ];
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  return {
    uid: 'streamspace',
    title: 'StreamSpace',
    tags: ['streamspace'],
    timezone: '',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        {
          name: 'namespace',
          type: 'query',
          datasource,
          query: 'label_values(streamspace_agent_uptime_seconds, namespace)',
          refresh: 2,
        },
      ],
    },
    panels: queries.map(([title, expr, unit], index) => ({
      id: index + 1,
      title,
      type: 'timeseries',
      datasource,
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: [{ refId: 'A', expr, legendFormat: '{{pod}}', datasource }],
    })),
  };
}
