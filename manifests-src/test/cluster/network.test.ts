import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES } from '../support/bases.ts';
import { type Cluster, namespace, startCluster, whyNoCluster } from '../support/cluster.ts';
import { allowed, type Pod } from '../support/flows.ts';
import { answerAt, METADATA } from '../support/metadata.ts';
import { API_PORTS, forgetPlatforms, tryPlatforms } from '../support/network-platforms.ts';
import { addressOf, IMAGE, podOf, reach, type Try } from '../support/network-pods.ts';

const why = await whyNoCluster();
const PORTS = [5900, 6379, 8080, 9090];

const component = (name: string): Pod => ({
  namespace: 'desktops',
  labels: {
    'app.kubernetes.io/name': 'streamspace',
    'app.kubernetes.io/instance': 'streamspace',
    'app.kubernetes.io/component': name,
  },
});
const PODS: Record<string, Pod> = {
  agent: component('k8s-agent'),
  api: component('api'),
  'other-api': component('api'),
  redis: component('redis'),
  session: { namespace: 'sessions', labels: { app: 'session', agent: 'eu-1', session: 's1' } },
  'others-session': { namespace: 'sessions', labels: { app: 'session', agent: 'other', session: 's2' } },
  'closed-session': { namespace: 'sessions', labels: { app: 'session', agent: 'closed', session: 's3' } },
  prometheus: { namespace: 'monitoring', labels: { app: 'prometheus' } },
  stranger: { namespace: 'default', labels: { app: 'stranger' } },
  world: { namespace: 'default', labels: { app: 'world' } },
};
/** The internet, as far as a session is concerned: the pod `world`. */
const INTERNET = '203.0.113.7';

describe.skipIf(why !== undefined)(`NetworkPolicies on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;
  let objects: RenderedObject[];
  const ips: Record<string, Pod> = {};
  const found = new Map<string, boolean>();

  beforeAll(async () => {
    cluster = await startCluster();
    const server = (
      await cluster.kubectl(
        'get',
        'endpointslices',
        '-n',
        'default',
        '-l',
        'kubernetes.io/service-name=kubernetes',
        '-o',
        'jsonpath={.items[0].endpoints[0].addresses[0]}',
      )
    ).trim();
    objects = objectsOf(
      streamspace(),
      { name: 'streamspace', namespace: 'desktops' },
      coalesceValues(BASES['streamspace'], {
        k8sAgent: { config: { namespace: 'sessions' } },
        networkPolicy: {
          apiServer: { cidrs: [`${server}/32`], ports: [6443] },
          metrics: { namespaces: ['monitoring'] },
        },
      }),
    );
    // another agent's sessions, in the same namespace
    objects.push(
      ...objectsOf(
        k8sAgent(),
        { name: 'closed', namespace: 'desktops' },
        coalesceValues(BASES['k8s-agent'], {
          agent: { id: 'closed', namespace: 'sessions' },
          networkPolicy: { sessions: { egress: 'none' } },
        }),
      ),
    );
    await cluster.load(IMAGE);
    await cluster.apply(...['desktops', 'sessions', 'monitoring'].map((name) => namespace(name)));
    await cluster.apply(...objects.filter(({ kind }) => kind === 'NetworkPolicy'));
    const ports = (name: string) => (name === 'world' ? [...PORTS, ...API_PORTS] : PORTS);
    await cluster.apply(...Object.entries(PODS).map(([name, pod]) => podOf(name, pod, { ports: ports(name) })));
    for (const [name, pod] of Object.entries(PODS))
      ips[name] = { ...pod, ip: await addressOf(cluster, name, pod.namespace) };
    const dns = (
      await cluster.kubectl(
        'get',
        'pods',
        '-n',
        'kube-system',
        '-l',
        'k8s-app=kube-dns',
        '-o',
        'jsonpath={.items[0].status.podIP}',
      )
    ).trim();
    ips['dns'] = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ip: dns };
    ips['server'] = { namespace: 'outside', labels: {}, ip: server };
    for (const ip of [...METADATA, INTERNET]) {
      await answerAt(cluster, ip, ips['world']!.ip!);
      ips[ip] = { namespace: 'outside', labels: {}, ip };
    }
    const portsOf = (name: string, ip: string) =>
      name === 'dns' ? [53] : name === 'server' ? [6443] : name === ip ? [8080] : PORTS;
    const tries = Object.entries(ips).flatMap(([name, { ip }]) =>
      portsOf(name, ip!).map((port): Try => [name, ip!, port]),
    );
    for (const [from, { namespace: where }] of Object.entries(PODS)) {
      const others = tries.filter(([to]) => to !== from);
      for (const [flow, passed] of await reach(cluster, from, where, [...others, ['look-up', '', 53, 'dns']]))
        found.set(flow, passed);
    }
  });

  afterAll(async () => {
    if (cluster === undefined) return;
    await cluster.kubectl('delete', 'namespace', 'desktops', 'sessions', 'monitoring', '--wait=false');
    await cluster.kubectl('delete', 'pod', '-n', 'default', 'stranger', 'world', '--wait=false');
    await forgetPlatforms(cluster);
    await cluster.delete();
  });

  it('let pass what the model says, and refuse everything else, from real pods', () => {
    const expected = new Map(
      [...found.keys()].map((flow) => {
        const [from, to, port] = /^(.*) → (.*):(\d+)$/.exec(flow)!.slice(1) as [string, string, string];
        if (to === 'look-up') return [flow, allowed(objects, ips[from]!, ips['dns']!, 53, 'UDP')];
        const { ip, namespace: where } = ips[to]!;
        return [flow, allowed(objects, ips[from]!, where === 'outside' ? { ip: ip! } : ips[to]!, Number(port))];
      }),
    );
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  it.each([
    'agent → api:8080',
    'agent → session:5900',
    'agent → dns:53',
    'agent → server:6443',
    'api → redis:6379',
    'api → other-api:8080',
    'api → other-api:9090',
    'api → dns:53',
    'session → dns:53',
    'session → look-up:53',
    `session → ${INTERNET}:8080`,
    'prometheus → agent:9090',
    'prometheus → api:9090',
    'stranger → api:8080',
  ])('%s is needed, and passes', (flow) => {
    expect(found.get(flow)).toBe(true);
  });

  it.each([
    'agent → redis:6379',
    'agent → stranger:8080',
    'agent → others-session:5900',
    'stranger → session:5900',
    'others-session → session:5900',
    'session → agent:9090',
    'session → redis:6379',
    'session → server:6443',
    'stranger → agent:9090',
    'stranger → api:9090',
    'stranger → redis:6379',
    'redis → api:8080',
    'api → agent:9090',
  ])('%s is nobody’s business, and is refused', (flow) => {
    expect(found.get(flow)).toBe(false);
  });

  it.each(METADATA)('S12 a session is kept from a cloud’s metadata: %s, which answers others', (ip) => {
    expect(found.get(`stranger → ${ip}:8080`)).toBe(true);
    for (const from of ['session', 'closed-session']) expect(found.get(`${from} → ${ip}:8080`), from).toBe(false);
  });

  it('S12 a session with egress none reaches nothing, and looks up no name', () => {
    const reached = [...found].filter(([flow, passed]) => passed && flow.startsWith('closed-session → '));
    expect(reached).toEqual([]);
    expect(found.get('stranger → look-up:53')).toBe(true);
  });

  describe('F12 what networks of other kinds need', () => {
    let flows: ReadonlyMap<string, boolean>;
    let policies: readonly RenderedObject[];

    beforeAll(async () => {
      const others = { stranger: PODS['stranger']!, session: PODS['session']! };
      const platforms = await tryPlatforms(cluster, INTERNET, others);
      ({ flows, policies } = platforms);
      Object.assign(ips, platforms.ips);
    });

    it('all of it answers whom no policy is about', () => {
      const refused = [...flows].filter(([flow, passed]) => !passed && flow.startsWith('stranger → '));
      // ports that are one agent’s by its extraIngress are nobody’s at the others
      expect(refused.map(([flow]) => flow)).toEqual(
        ['generic', 'minikube', 'openshift', 'proxied'].map((name) => `stranger → ${name}:5900`),
      );
    });

    it('passes as the model says', () => {
      const all = [...objects, ...policies];
      const model = [...flows.keys()].map((flow) => {
        const [from, to, port] = /^(.*) → (.*):(\d+)$/.exec(flow)!.slice(1) as [string, string, string];
        const known = to === 'look-up' ? 'dns' : to === 'hub by proxy' ? 'proxy' : to;
        const { namespace: where, ip } = ips[known]!;
        const protocol = /dns|look-up/.test(to) ? 'UDP' : 'TCP';
        const end = where === 'outside' ? { ip: ip! } : ips[known]!;
        return [flow, allowed(all, ips[from]!, end, Number(port), protocol)];
      });
      expect(Object.fromEntries(flows)).toEqual(Object.fromEntries(model));
    });

    it.each([
      // API server and DNS by preset
      ['generic', [`${INTERNET}:443`, `${INTERNET}:6443`, `${INTERNET}:8080`, 'look-up:53']],
      ['minikube', [`${INTERNET}:8443`, `${INTERNET}:8080`, 'look-up:53', 'node-dns:53']],
      ['openshift', [`${INTERNET}:443`, `${INTERNET}:6443`, `${INTERNET}:8080`, 'node-dns:53', 'other-dns:5353']],
      // extraEgress besides
      ['microk8s', [`${INTERNET}:16443`, `${INTERNET}:5900`, `${INTERNET}:8080`, 'look-up:53', 'node-dns:53']],
      // the hub through the proxy alone
      [
        'proxied',
        [`${INTERNET}:443`, `${INTERNET}:6443`, 'hub by proxy:3128', 'look-up:53', 'node-dns:53', 'proxy:3128'],
      ],
      ['session', ['node-dns:53']],
    ])('%s reaches %j, and nothing else', (name, expected) => {
      const passed = [...flows].filter(([flow, yes]) => yes && flow.startsWith(`${name} → `));
      expect(passed.map(([flow]) => flow.slice(`${name} → `.length)).sort()).toEqual([...expected].sort());
    });
  });
});
