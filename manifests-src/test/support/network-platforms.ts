import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES } from './bases.ts';
import { type Cluster, namespace } from './cluster.ts';
import type { Pod } from './flows.ts';
import { answerAt } from './metadata.ts';
import { addressOf, podOf, reach, type Try } from './network-pods.ts';

/** Agents in networks of other kinds: presets, a node's DNS cache, a proxy, rules of the user's own. */

/** Where API servers of all presets listen. */
export const API_PORTS = [443, 6443, 8443, 16_443];
/** A port that no policy of an agent is about. */
const OTHER_PORT = 5900;
/** Where a node's DNS cache is, a proxy, and the namespace that another platform has its DNS in. */
const [NODE_DNS, PROXY, OTHER_DNS] = ['169.254.20.10', '198.51.100.9', 'openshift-dns'];

const ports = [{ protocol: 'TCP', port: OTHER_PORT }];
const strangers = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
  podSelector: { matchLabels: { app: 'stranger' } },
};

/** What each is told of its network. */
const agentsOn = (internet: string): Record<string, { networkPolicy: object; config?: object }> => ({
  generic: { networkPolicy: { dns: { nodeLocal: false } } },
  microk8s: {
    networkPolicy: {
      preset: 'microk8s',
      agent: {
        extraEgress: [{ to: [{ ipBlock: { cidr: `${internet}/32` } }], ports }],
        extraIngress: [{ from: [strangers], ports }],
      },
    },
  },
  minikube: { networkPolicy: { preset: 'minikube' } },
  openshift: { networkPolicy: { preset: 'openshift' } },
  proxied: {
    networkPolicy: { proxy: { cidrs: [`${PROXY}/32`] }, controlPlane: { cidrs: [`${PROXY}/32`] } },
    config: { proxy: { http: `http://${PROXY}:3128` } },
  },
});

const policiesOf = (internet: string): RenderedObject[] =>
  Object.entries(agentsOn(internet)).flatMap(([name, { networkPolicy, config }]) => {
    const agent = { id: name, controlPlaneUrl: `ws://${internet}:8080`, config: { allowInsecure: true, ...config } };
    return objectsOf(
      k8sAgent(),
      { name, namespace: 'desktops' },
      coalesceValues(BASES['k8s-agent'], { agent, networkPolicy }),
    ).filter(({ kind }) => kind === 'NetworkPolicy');
  });

const outside = (ip: string): Pod => ({ namespace: 'outside', labels: {}, ip });

/** Whom these agents, and pods that are there already, reach by real packets; the control plane of all of them is at `internet`, port 8080. */
export async function tryPlatforms(
  cluster: Cluster,
  internet: string,
  { stranger, session }: { readonly stranger: Pod; readonly session: Pod },
): Promise<{ flows: ReadonlyMap<string, boolean>; policies: readonly RenderedObject[]; ips: Record<string, Pod> }> {
  const policies = policiesOf(internet);
  await cluster.apply(namespace(OTHER_DNS), ...policies);
  // as the cache has it: on the node itself, before it listens there
  const address = ['ip', 'address', 'replace', `${NODE_DNS}/32`, 'dev', 'lo'];
  await cluster.exec(['docker', 'exec', `${cluster.name}-control-plane`, ...address]);

  const apart = (app: string, where = 'default'): Pod => ({ namespace: where, labels: { app } });
  const agents = Object.keys(agentsOn(internet)).map((name): [string, Pod] => {
    const labels = {
      'app.kubernetes.io/name': 'streamspace',
      'app.kubernetes.io/instance': name,
      'app.kubernetes.io/component': 'k8s-agent',
    };
    return [name, { namespace: 'desktops', labels }];
  });
  const otherDns = apart('dns', OTHER_DNS);
  await cluster.apply(
    ...agents.map(([name, pod]) => podOf(name, pod, { ports: [OTHER_PORT] })),
    podOf('node-dns', apart('node-dns'), { ports: [], dns: { port: 53, host: NODE_DNS }, onNode: true }),
    podOf('other-dns', otherDns, { ports: [], dns: { port: 5353, host: '0.0.0.0' } }),
    podOf('proxy', apart('proxy'), { ports: [], proxy: true }),
  );
  const ips: Record<string, Pod> = { 'node-dns': outside(NODE_DNS), proxy: outside(PROXY) };
  for (const [name, pod] of [...agents, ['other-dns', otherDns] as const])
    ips[name] = { ...pod, ip: await addressOf(cluster, name, pod.namespace) };
  await addressOf(cluster, 'node-dns', 'default');
  await answerAt(cluster, PROXY, await addressOf(cluster, 'proxy', 'default'));

  const tries: Try[] = [
    ...[OTHER_PORT, 8080, ...API_PORTS].map((port): Try => [internet, internet, port]),
    ['look-up', '', 53, 'dns'],
    ['node-dns', NODE_DNS, 53, 'dns'],
    ['other-dns', ips['other-dns']!.ip!, 5353, 'dns'],
    ['proxy', PROXY, 3128],
    ['hub by proxy', PROXY, 3128, 'proxy', `${internet}:8080`],
  ];
  const all: [string, Pod, readonly Try[]][] = [
    ...agents.map(([name, pod]): [string, Pod, readonly Try[]] => [name, pod, tries]),
    ['stranger', stranger, [...agents.map(([name]): Try => [name, ips[name]!.ip!, OTHER_PORT]), ...tries]],
    ['session', session, tries.filter(([name]) => name === 'node-dns')],
  ];
  const flows = new Map<string, boolean>();
  for (const [name, pod, each] of all)
    for (const [flow, passed] of await reach(cluster, name, pod.namespace, each)) flows.set(flow, passed);
  return { flows, policies, ips };
}

export async function forgetPlatforms(cluster: Cluster): Promise<void> {
  await cluster.tryKubectl('delete', 'namespace', OTHER_DNS, '--wait=false');
  await cluster.tryKubectl('delete', 'pod', '-n', 'default', 'proxy', 'node-dns', '--wait=false');
}
