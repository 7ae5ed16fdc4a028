import type { k8s } from 'cdk8s-plus-28';
import { and, given, merge, release } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { entries, spread, when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { alerts } from './alerts.ts';
import { type Base, WAVES } from './base.ts';
import { dashboard } from './dashboard.ts';
import { custom, type ReleaseObject, resource } from './resource.ts';

const OPERATOR = 'monitoring.coreos.com/v1';
type Observability = Refs<StreamspaceValues['observability']>;

const endpoint = (
  port: { readonly port: string } | { readonly targetPort: string },
  values: Observability['podMonitor'],
) => ({
  ...port,
  path: '/metrics',
  interval: values.interval,
  scrapeTimeout: when(given(values.scrapeTimeout), values.scrapeTimeout),
  scheme: when(given(values.tlsConfig), 'https'),
  tlsConfig: when(given(values.tlsConfig), values.tlsConfig),
  relabelings: when(given(values.relabelings), values.relabelings),
  metricRelabelings: when(given(values.metricRelabelings), values.metricRelabelings),
});

/** Scrapes every replica of the agent, standbys too: not through its Service. */
export const podMonitor = (base: Base, values: Observability['podMonitor'], only: Expr<boolean>): ReleaseObject =>
  custom('observability/podmonitor.yaml', only, OPERATOR, 'PodMonitor', {
    metadata: base.meta(base.object('k8s-agent'), { component: 'k8s-agent', wave: WAVES.rest, labels: values.labels }),
    spec: {
      selector: { matchLabels: base.selector('k8s-agent') },
      namespaceSelector: { matchNames: [release.namespace] },
      podMetricsEndpoints: [endpoint({ port: 'metrics' }, values)],
    },
  });

export const alertRules = (
  base: Base,
  values: Observability['prometheusRule'],
  of: 'release' | 'agent',
): ReleaseObject =>
  custom('observability/prometheusrule.yaml', values.enabled, OPERATOR, 'PrometheusRule', {
    metadata: base.meta(base.object('alerts'), { wave: WAVES.rest, labels: values.labels }),
    spec: { groups: [{ name: 'streamspace', rules: alerts(release.namespace, of) }] },
  });

/** Objects for Prometheus' operator and Grafana. */
export function monitoringObjects(base: Base, v: Refs<StreamspaceValues>): ReleaseObject[] {
  const { serviceMonitor, prometheusRule, dashboard: board } = v.observability;
  return [
    custom(
      'observability/servicemonitor.yaml',
      and(serviceMonitor.enabled, v.api.enabled),
      OPERATOR,
      'ServiceMonitor',
      {
        metadata: base.meta(base.object('api'), { component: 'api', wave: WAVES.rest, labels: serviceMonitor.labels }),
        spec: {
          selector: { matchLabels: base.mark('api') },
          namespaceSelector: { matchNames: [release.namespace] },
          // the container's port: the Service does not expose it, so that no route to the Service reaches it
          endpoints: [endpoint({ targetPort: 'metrics' }, serviceMonitor)],
        },
      },
    ),
    podMonitor(
      base,
      v.observability.podMonitor,
      and(v.observability.podMonitor.enabled, v.k8sAgent.enabled, v.k8sAgent.metrics.enabled),
    ),
    alertRules(base, prometheusRule, 'release'),
    resource<k8s.KubeConfigMapProps>('observability/dashboard.yaml', board.enabled, 'v1', 'ConfigMap', {
      metadata: {
        name: base.object('dashboard'),
        namespace: release.namespace,
        labels: entries<Record<string, string>>(base.labels(), spread(merge(board.labels, v.commonLabels))),
        annotations: entries<Record<string, string>>({ grafana_folder: board.folder }, spread(v.commonAnnotations)),
      },
      data: { 'streamspace.json': `${JSON.stringify(dashboard(), null, 1)}\n` },
    }),
  ];
}
