import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { allowed, type End } from '../support/flows.ts';

const testValues = (name: string): unknown =>
  parse(readFileSync(fileURLToPath(new URL(`../../../test-values/${name}.yaml`, import.meta.url)), 'utf8'));
const component = (name: string) => ({
  namespace: 'desktops',
  labels: {
    'app.kubernetes.io/name': 'streamspace',
    'app.kubernetes.io/instance': 'streamspace',
    'app.kubernetes.io/component': name,
  },
});

const API_SERVER = '172.18.0.2';
const objects = objectsOf(
  streamspace(),
  { name: 'streamspace', namespace: 'desktops' },
  coalesceValues(testValues('ha'), {
    k8sAgent: { config: { namespace: 'sessions' } },
    networkPolicy: {
      apiServer: { cidrs: [`${API_SERVER}/32`], ports: [6443] },
      metrics: { namespaces: ['monitoring'] },
    },
  }),
);
const ends: Record<string, End> = {
  agent: component('k8s-agent'),
  api: component('api'),
  redis: component('redis'),
  session: { namespace: 'sessions', labels: { app: 'session', agent: 'ha', session: 's1' } },
  "another agent's session": { namespace: 'sessions', labels: { app: 'session', agent: 'other', session: 's2' } },
  dns: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  prometheus: { namespace: 'monitoring', labels: { app: 'prometheus' } },
  stranger: { namespace: 'default', labels: { app: 'stranger' } },
  neighbour: { namespace: 'sessions', labels: { app: 'something-else' } },
  'API server': { ip: API_SERVER },
  internet: { ip: '93.184.216.34' },
  'private address': { ip: '10.1.2.3' },
};
/** Everything that is needed. Whatever is not here must not pass, from and to pods of ours. */
const NEEDED: readonly (readonly [from: string, to: string, port: number])[] = [
  ['agent', 'dns', 53],
  ['agent', 'API server', 6443],
  ['agent', 'api', 8080],
  ['agent', 'session', 5900],
  ['agent', 'session', 8080],
  ['agent', 'session', 6379],
  ['agent', 'session', 9090],
  ['agent', 'session', 443],
  ['agent', 'session', 6443],
  ['agent', 'session', 53],
  ['api', 'dns', 53],
  ['api', 'api', 9090],
  // with replicas of the former version, during an upgrade
  ['api', 'api', 8080],
  ['api', 'redis', 6379],
  ['session', 'dns', 53],
  ['session', 'internet', 443],
  ['session', 'internet', 53],
  ['session', 'internet', 5900],
  ['session', 'internet', 6379],
  ['session', 'internet', 6443],
  ['session', 'internet', 8080],
  ['session', 'internet', 9090],
  ['prometheus', 'agent', 9090],
  ['prometheus', 'api', 9090],
  ['prometheus', 'agent', 8080],
  // agents and browsers come from anywhere
  ...[
    'prometheus',
    'stranger',
    'neighbour',
    'internet',
    'private address',
    'API server',
    'dns',
    "another agent's session",
  ].map((from) => [from, 'api', 8080] as const),
];
const OURS = ['agent', 'api', 'redis', 'session'];
const PORTS = [53, 443, 5900, 6379, 6443, 8080, 9090];

describe('flows that the NetworkPolicies let pass', () => {
  const needed = new Set(NEEDED.map((flow) => flow.join(' → ')));
  const all = Object.keys(ends).flatMap((from) =>
    Object.keys(ends).flatMap((to) =>
      PORTS.filter(() => OURS.includes(from) || OURS.includes(to)).map((port) => [from, to, port] as const),
    ),
  );

  it.each(NEEDED)('%s → %s, port %i', (from, to, port) => {
    expect(allowed(objects, ends[from]!, ends[to]!, port)).toBe(true);
  });

  it(`are no others, of ${all.length}`, () => {
    const passing = all.filter(([from, to, port]) => allowed(objects, ends[from]!, ends[to]!, port));
    // a pod's connection to itself never leaves it
    expect(passing.map((flow) => flow.join(' → ')).filter((flow) => !needed.has(flow))).toEqual([]);
  });

  it('are UDP too for DNS', () => {
    for (const from of ['agent', 'api', 'session'])
      expect(allowed(objects, ends[from]!, ends['dns']!, 53, 'UDP')).toBe(true);
    expect(allowed(objects, ends['agent']!, ends['internet']!, 53, 'UDP')).toBe(false);
  });

  it('reach a hub of another release in the same cluster, behind its Service’s port', () => {
    const tenant = objectsOf(
      k8sAgent(),
      { name: 'tenant-a', namespace: 'tenant-a' },
      coalesceValues(testValues('agent-only'), { agent: { controlPlaneUrl: 'ws://streamspace-api.desktops.svc' } }),
    );
    const { labels } = component('k8s-agent');
    const agent = { namespace: 'tenant-a', labels: { ...labels, 'app.kubernetes.io/instance': 'tenant-a' } };
    expect(allowed(tenant, agent, ends['api']!, 8080)).toBe(true);
    expect(allowed(tenant, agent, ends['stranger']!, 8080)).toBe(false);
    expect(allowed(tenant, agent, ends['redis']!, 6379)).toBe(false);
  });

  it.each(['168.63.129.16', '169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192', '10.1.2.3'])(
    'S12 lead no session to a cloud’s metadata or a private address: %s',
    (ip) => {
      for (const port of PORTS) expect(allowed(objects, ends['session']!, { ip }, port), `${port}`).toBe(false);
    },
  );

  it('S12 look names up with egress none where there are addresses to be reached', () => {
    const some = objectsOf(
      k8sAgent(),
      { name: 'streamspace', namespace: 'desktops' },
      coalesceValues(testValues('agent-only'), {
        networkPolicy: { sessions: { egress: 'none', cidrs: ['203.0.113.0/24'] } },
      }),
    );
    const session = { namespace: 'sessions', labels: { app: 'session', agent: 'eu-2' } };
    expect(allowed(some, session, ends['dns']!, 53)).toBe(true);
    expect(allowed(some, session, { ip: '203.0.113.9' }, 443)).toBe(true);
    expect(allowed(some, session, ends['internet']!, 443)).toBe(false);
  });

  it('are all there are with networkPolicy.sessions.egress none', () => {
    const strict = objectsOf(
      k8sAgent(),
      { name: 'streamspace', namespace: 'desktops' },
      coalesceValues(testValues('agent-only'), { networkPolicy: { sessions: { egress: 'none' } } }),
    );
    const session = { namespace: 'sessions', labels: { app: 'session', agent: 'eu-2' } };
    expect(allowed(strict, session, ends['internet']!, 443)).toBe(false);
    // S12: a look-up is a way out, too
    for (const protocol of ['TCP', 'UDP'] as const)
      expect(allowed(strict, session, ends['dns']!, 53, protocol)).toBe(false);
    expect(allowed(strict, ends['agent']!, session, 5900)).toBe(true);
    // the control plane is elsewhere, on the port of its URL
    expect(allowed(strict, ends['agent']!, ends['internet']!, 443)).toBe(true);
    expect(allowed(strict, ends['agent']!, ends['internet']!, 8443)).toBe(false);
  });
});
