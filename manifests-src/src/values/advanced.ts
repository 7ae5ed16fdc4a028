import type { k8s } from 'cdk8s-plus-28';
import { choice, kube, objectName, section } from './kinds.ts';

/** Rarely needed values of a workload, each as Kubernetes defines it. */
export const advanced = () =>
  section('Rarely needed values, as Kubernetes defines them', {
    podSecurityContext: kube<k8s.PodSecurityContext>(
      'PodSecurityContext',
      'Security context of the pod; each key overrides the chart’s',
      {},
      [{ fsGroup: 2000, seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' } }],
    ),
    securityContext: kube<k8s.SecurityContext>(
      'SecurityContext',
      'Security context of the container; each key overrides the chart’s',
      {},
      [{ readOnlyRootFilesystem: false, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }],
    ),
    hostAliases: kube<k8s.HostAlias[]>(
      '[]HostAlias',
      'Lines of /etc/hosts',
      [],
      [[{ ip: '192.0.2.1', hostnames: ['hub.example.com'] }]],
    ),
    dnsPolicy: choice(
      'DNS policy; empty: the cluster’s DNS',
      ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
      '',
    ),
    dnsConfig: kube<k8s.PodDnsConfig>('PodDnsConfig', 'DNS servers, domains and options', {}, [
      { nameservers: ['192.0.2.53'], options: [{ name: 'ndots', value: '1' }] },
    ]),
    runtimeClassName: objectName('RuntimeClass of the pods', '', ['gvisor']),
    lifecycle: kube<k8s.Lifecycle>('Lifecycle', 'Hooks of the container', {}, [
      { preStop: { exec: { command: ['sleep', '{{ 5 }}'] } } },
    ]),
    topologySpreadConstraints: kube<k8s.TopologySpreadConstraint[]>(
      '[]TopologySpreadConstraint',
      'Constraints in full; they override topologySpread',
      [],
      [[{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/region', whenUnsatisfiable: 'DoNotSchedule' }]],
    ),
  });
