import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type KubeObject, objectsOf } from '../../src/render/synth.ts';
import { coalesce } from '../../src/values/tree.ts';
import { BASES } from '../support/bases.ts';
import { type Cluster, namespace, startCluster, whyNoCluster } from '../support/cluster.ts';
import { allowed, type Pod } from '../support/flows.ts';
import { answerAt, METADATA } from '../support/metadata.ts';

const why = await whyNoCluster();
const IMAGE = 'node:24-bookworm-slim';
const PORTS = [5900, 6379, 8080, 9090];

const LISTEN = `const { createServer } = require('node:net');
for (const port of ${JSON.stringify(PORTS)}) createServer((socket) => socket.on('error', () => {}).end('hello')).listen(port);`;
/** Tries every [name, ip, port], and to look up a name over UDP, all at once, and prints what answered. */
const TRY = `const { connect } = require('node:net');
const { Resolver } = require('node:dns').promises;
const tried = JSON.parse(process.argv[1]).map(([name, ip, port]) => new Promise((resolve) => {
  const socket = connect({ host: ip, port, timeout: 2500 }, () => { socket.destroy(); resolve([name, port, true]); });
  const no = () => { socket.destroy(); resolve([name, port, false]); };
  socket.on('timeout', no).on('error', no);
}));
const name = 'kubernetes.default.svc.cluster.local';
tried.push(new Resolver({ timeout: 2500, tries: 1 }).resolve4(name).then(() => ['look-up', 53, true], () => ['look-up', 53, false]));
Promise.all(tried).then((all) => console.log(JSON.stringify(all)));`;

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
/** The internet, as far as a session is concerned. */
const INTERNET = '203.0.113.7';

const podOf = (name: string, { namespace: where, labels }: Pod) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: where, labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'main',
        image: IMAGE,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '-e', LISTEN],
        resources: { requests: { cpu: '5m', memory: '16Mi' } },
      },
    ],
  },
});

describe.skipIf(why !== undefined)(`NetworkPolicies on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;
  let objects: KubeObject[];
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
      coalesce(BASES['streamspace'], {
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
        coalesce(BASES['k8s-agent'], {
          agent: { id: 'closed', namespace: 'sessions' },
          networkPolicy: { sessions: { egress: 'none' } },
        }),
      ),
    );
    await cluster.load(IMAGE);
    await cluster.apply(...['desktops', 'sessions', 'monitoring'].map((name) => namespace(name)));
    await cluster.apply(...objects.filter(({ kind }) => kind === 'NetworkPolicy'));
    await cluster.apply(...Object.entries(PODS).map(([name, pod]) => podOf(name, pod)));
    for (const [name, { namespace: where, labels }] of Object.entries(PODS)) {
      await cluster.kubectl('wait', '-n', where, `pod/${name}`, '--for=condition=Ready', '--timeout=120s');
      ips[name] = {
        namespace: where,
        labels,
        ip: (await cluster.kubectl('get', 'pod', '-n', where, name, '-o', 'jsonpath={.status.podIP}')).trim(),
      };
    }
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
    const tries = Object.entries(ips).flatMap(([name, { ip }]) =>
      name === 'dns'
        ? [[name, ip, 53]]
        : name === 'server'
          ? [[name, ip, 6443]]
          : name === ip
            ? [[name, ip, 8080]]
            : PORTS.map((port) => [name, ip, port]),
    );
    for (const [from, { namespace: where }] of Object.entries(PODS)) {
      const answer = await cluster.kubectl(
        'exec',
        '-n',
        where,
        from,
        '--',
        'node',
        '-e',
        TRY,
        JSON.stringify(tries.filter(([to]) => to !== from)),
      );
      for (const [to, port, passed] of JSON.parse(answer) as [string, number, boolean][])
        found.set(`${from} → ${to}:${port}`, passed);
    }
  });

  afterAll(async () => {
    if (cluster === undefined) return;
    await cluster.kubectl('delete', 'namespace', 'desktops', 'sessions', 'monitoring', '--wait=false');
    await cluster.kubectl('delete', 'pod', '-n', 'default', 'stranger', 'world', '--wait=false');
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
});
