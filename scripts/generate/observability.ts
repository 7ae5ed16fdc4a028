import type { Generated } from './generated.ts';
import { allMetrics, type Metric } from './metrics.ts';
import { ALERT_RULES, runbook } from '../../manifests-src/src/objects/alert-rules.ts';

/** The overview for a person; all other metrics of the registries follow automatically. */
const FIRST: readonly { title: string; unit: string; queries: Record<string, string> }[] = [
  {
    title: 'Connected agents, by hub replica',
    unit: 'short',
    queries: { '{{instance}}': 'streamspace_hub_agent_links' },
  },
  {
    title: 'Sessions',
    unit: 'short',
    queries: { '{{agent}}': 'max by (agent) (streamspace_api_sessions_active)' },
  },
  {
    title: 'Commands, by state reached',
    unit: 'cps',
    queries: { '{{state}}': 'sum by (state) (rate(streamspace_hub_commands_total[$__rate_interval]))' },
  },
  {
    title: 'Time from the acceptance of a command to its end, p50 and p99',
    unit: 's',
    queries: {
      p50: 'histogram_quantile(0.5, sum by (le) (rate(streamspace_hub_command_seconds_bucket{until="final"}[$__rate_interval])))',
      p99: 'histogram_quantile(0.99, sum by (le) (rate(streamspace_hub_command_seconds_bucket{until="final"}[$__rate_interval])))',
    },
  },
  {
    title: 'Screens: bytes by leg',
    unit: 'Bps',
    queries: { '{{leg}}': 'sum by (leg) (rate(streamspace_hub_stream_bytes_total[$__rate_interval]))' },
  },
  {
    title: 'Leaders and terms',
    unit: 'short',
    queries: {
      'leads: {{pod}}': 'streamspace_agent_is_leader',
      'term: {{pod}}': 'streamspace_agent_leader_term',
    },
  },
];

/** The Grafana dashboard and the Prometheus rules. */
export async function observability(): Promise<Generated> {
  const { hub, agent } = await allMetrics();
  return new Map([
    ['observability/dashboard.json', `${JSON.stringify(dashboard(hub, agent), null, 2)}\n`],
    ['observability/rules.yaml', rules()],
    ['docs/alerts.md', runbooks()],
  ]);
}

function dashboard(hub: readonly Metric[], agent: readonly Metric[]): object {
  const own = (metrics: readonly Metric[]) => metrics.filter(({ name }) => name.startsWith('streamspace_'));
  const process = hub.filter(({ name }) =>
    ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'].includes(name),
  );
  const panels: object[] = [];
  let y = 0;
  const row = (
    title: string,
    contents: readonly { title: string; unit: string; queries: Record<string, string> }[],
  ) => {
    panels.push({
      type: 'row',
      title,
      gridPos: { x: 0, y, w: 24, h: 1 },
      id: panels.length + 1,
      collapsed: false,
      panels: [],
    });
    y += 1;
    for (const [index, { title: name, unit, queries }] of contents.entries()) {
      panels.push({
        type: 'timeseries',
        title: name,
        id: panels.length + 1,
        datasource: { type: 'prometheus', uid: '${datasource}' },
        gridPos: { x: (index % 3) * 8, y: y + Math.floor(index / 3) * 8, w: 8, h: 8 },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        targets: Object.entries(queries).map(([legendFormat, expr], at) => ({
          refId: String.fromCharCode(65 + at),
          expr,
          legendFormat,
        })),
      });
    }
    y += Math.ceil(contents.length / 3) * 8;
  };
  row('At a glance', FIRST);
  row('Hub', own(hub).map(panelOf));
  row('Agents', own(agent).map(panelOf));
  row('Processes of the hub', process.map(panelOf));
  return {
    title: 'StreamSpace',
    uid: 'streamspace',
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    tags: ['streamspace'],
    templating: {
      list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0 }],
    },
    annotations: { list: [] },
    panels,
  };
}

function panelOf({ name, help, type, labels }: Metric): {
  title: string;
  unit: string;
  queries: Record<string, string>;
} {
  const by = labels.length === 0 ? 'instance' : labels.join(', ');
  const legend = (labels.length === 0 ? ['instance'] : labels).map((label) => `{{${label}}}`).join(' ');
  const unit = name.endsWith('_bytes')
    ? 'bytes'
    : name.endsWith('_seconds')
      ? 's'
      : name.endsWith('_timestamp')
        ? 'dateTimeAsIso'
        : 'short';
  switch (type) {
    case 'counter':
      return {
        title: help,
        unit: name.includes('bytes') ? 'Bps' : 'cps',
        queries: { [legend]: `sum by (${by}) (rate(${name}[$__rate_interval]))` },
      };
    case 'histogram':
      return {
        title: `${help}: p50 and p99`,
        unit,
        queries: Object.fromEntries(
          [0.5, 0.99].map((q) => [
            `p${q * 100}`,
            `histogram_quantile(${q}, sum by (le) (rate(${name}_bucket[$__rate_interval])))`,
          ]),
        ),
      };
    default:
      return {
        title: help,
        unit: name.endsWith('_timestamp') ? 's' : unit,
        queries: name.endsWith('_timestamp')
          ? { [legend]: `time() - ${name}` }
          : { [legend]: `sum by (${by}) (${name})` },
      };
  }
}

/** As `promtool check rules` takes them. */
function rules(): string {
  const lines = [
    '# Generated by `npm run update` from manifests-src/src/objects/alert-rules.ts.',
    'groups:',
    '  - name: streamspace',
    '    rules:',
  ];
  for (const rule of ALERT_RULES) {
    const { alert, expr, for: wait, severity, summary, description } = rule;
    lines.push(
      `      - alert: ${alert}`,
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${wait}`,
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${JSON.stringify(summary)}`,
      `          description: ${JSON.stringify(description)}`,
      `          runbook_url: ${runbook(rule)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A page with each alert: meaning, expression, remedy. */
function runbooks(): string {
  const pages = ALERT_RULES.map(
    ({ alert, expr, for: wait, severity, summary, description }) =>
      `## ${alert}\n\n${summary} (${severity}, after ${wait}).\n\n${description}\n\n\`\`\`promql\n${expr}\n\`\`\`\n`,
  );
  return `# Alerts\n\n<!-- Generated from manifests-src by \`npm run update\`. -->\n\nThe alerts of [observability/rules.yaml](../observability/rules.yaml) and of the charts (\`prometheusRule.enabled\`, limited to the release's namespace). Remedies by symptom: [troubleshooting.md](troubleshooting.md).\n\n${pages.join('\n')}`;
}
