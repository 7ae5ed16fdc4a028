import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../src/charts/sources.ts';
import { chartFiles } from '../../src/render/chart-files.ts';
import { objectsOf, ValuesError } from '../../src/render/synth.ts';
import { coalesceValues, defaultsOf, isSection, leavesOf, type ValueSchema } from '../../src/values/tree.ts';
import { otherThanDefault, treeOf } from '../support/arbitrary.ts';
import { BASES, RELEASE } from '../support/bases.ts';

/** Switches that other values hang on, so that each of those has an effect in one of these settings. */
const SETTINGS: Readonly<Record<string, Record<string, unknown>[]>> = {
  streamspace: [
    {},
    {
      ca: { pem: '-----BEGIN CERTIFICATE-----' },
      namespace: { create: true },
      api: {
        replicaCount: 3,
        httpRoute: { enabled: true, parentRefs: [{ name: 'g' }] },
        ingress: { enabled: true, hosts: ['a.example.com'] },
        logFile: { enabled: true, sidecar: { name: 'a', image: 'b' } },
        autoscaling: { enabled: false },
      },
      k8sAgent: {
        replicaCount: 3,
        ha: { enabled: true },
        config: { namespace: 'sessions', controlPlaneUrl: 'wss://hub.example.com' },
        sessionNamespace: { create: true },
        resourceQuota: { enabled: true },
        logFile: { enabled: true, sidecar: { name: 'a', image: 'b' } },
      },
      observability: {
        serviceMonitor: { enabled: true },
        podMonitor: { enabled: true },
        prometheusRule: { enabled: true },
        dashboard: { enabled: true },
      },
      argocd: { syncWaves: true },
    },
    {
      ca: { existingConfigMap: 'ca' },
      api: { auth: { jwksUrl: '', existingSecret: { name: 'jwt' } }, autoscaling: { enabled: true } },
      redis: { external: { existingSecret: { name: 'store' } } },
    },
    {
      redis: { external: { url: 'redis://a:6379' } },
      api: { auth: { jwksUrl: '', secret: 'x'.repeat(40) } },
      enrolment: { existingSecret: { name: '' }, token: 'y'.repeat(40) },
    },
    { redis: { auth: { existingSecret: { name: 'password' } }, persistence: { enabled: false } } },
    { redis: { enabled: false } },
    { api: { topologySpread: { enabled: true } }, k8sAgent: { topologySpread: { enabled: true } } },
    { ca: { existingSecret: 'ca' } },
    { api: { peers: { existingSecret: { name: '' } } } },
    {
      api: { agentTokens: { existingSecret: { name: 'tokens' } } },
      redis: { external: { url: 'redis://a:6379', waitReplicas: 1 } },
    },
    { api: { auth: { jwksUrl: '' } } },
    {
      api: {
        config: { publicUrl: 'https://hub.example.com' },
        signIn: {
          providers: [
            { id: 'a', name: 'A', issuer: 'https://a.example.com', client_id: 'a', roles: [{ role: 'user' }] },
          ],
          existingSecret: { name: 'clients' },
        },
      },
    },
    { enrolment: { existingSecret: { name: '' } } },
    { k8sAgent: { config: { controlPlaneUrl: 'ws://hub.example.com', allowInsecure: true } } },
    { k8sAgent: { config: { proxy: { existingSecret: { name: 'proxy' } } } } },
    { k8sAgent: { admissionPolicy: { enabled: true } } },
  ],
  'k8s-agent': [
    {},
    {
      ca: { pem: '-----BEGIN CERTIFICATE-----' },
      ha: { enabled: true },
      agent: { replicaCount: 3, namespace: 'sessions', logFile: { enabled: true, sidecar: { name: 'a', image: 'b' } } },
      sessionNamespace: { create: true },
      resourceQuota: { enabled: true },
      podMonitor: { enabled: true },
      prometheusRule: { enabled: true },
      argocd: { syncWaves: true },
    },
    { ca: { existingConfigMap: 'ca' } },
    { ca: { existingSecret: 'ca' } },
    { enrolment: { existingSecret: { name: '' } } },
    { agent: { controlPlaneUrl: 'ws://hub.example.com', config: { allowInsecure: true } } },
    { agent: { config: { proxy: { existingSecret: { name: 'proxy' } } } } },
    { admissionPolicy: { enabled: true } },
    { agent: { topologySpread: { enabled: true } } },
  ],
};

const outcome = (source: (typeof SOURCES)[number], values: unknown): string => {
  try {
    return JSON.stringify(objectsOf(source, RELEASE, values));
  } catch (error) {
    if (error instanceof ValuesError) return error.message;
    throw error;
  }
};

describe.each(SOURCES.map((source) => [source.folder, source] as const))('values of %s', (_folder, source) => {
  const bases = SETTINGS[source.name]!.map((setting) => {
    const values = coalesceValues(BASES[source.name], setting);
    return { values, before: outcome(source, values) };
  });

  it.each(leavesOf(source.schema).map((leaf) => [leaf.path.join('.'), leaf] as const))(
    '%s has an effect',
    (name, leaf) => {
      const other = otherThanDefault(leaf);
      const effective = bases.some(({ values, before }) => {
        const changed = outcome(source, coalesceValues(values, treeOf([[leaf.path, other]])));
        if (changed !== before) return true;
        // set here already: the default is the other value
        return outcome(source, coalesceValues(values, treeOf([[leaf.path, leaf.schema.default]]))) !== before;
      });
      // only one platform runs in a cluster, so far
      expect(effective || name.endsWith('.platform'), `${name}=${JSON.stringify(other)} changes nothing`).toBe(true);
    },
  );

  it('have a description each, and a default that their schema takes', () => {
    for (const { path, schema } of leavesOf(source.schema)) expect(schema.description, path.join('.')).toBeTruthy();
    expect(() => objectsOf(source, RELEASE, BASES[source.name])).not.toThrow();
  });

  it('are in the schema wherever a template names one', () => {
    const known = new Set<string>();
    const walk = (schema: ValueSchema, path: string) => {
      known.add(path);
      if (isSection(schema))
        for (const [key, inner] of Object.entries(schema.properties)) walk(inner, `${path}.${key}`);
    };
    walk(source.schema, '.Values');
    const named = [...chartFiles(source)]
      .filter(([path]) => path.startsWith('templates/'))
      .flatMap(([, text]) => text.match(/\.Values[.A-Za-z0-9_]*/g) ?? []);
    expect(named.length).toBeGreaterThan(100);
    expect([...new Set(named)].filter((path) => !known.has(path))).toEqual([]);
  });

  it('are documented in values.yaml and README.md, all of them', () => {
    const files = chartFiles(source);
    for (const { path } of leavesOf(source.schema)) expect(files.get('README.md')).toContain(`\`${path.join('.')}\``);
    expect(files.get('values.yaml')).not.toContain('undefined');
    // as yamllint wants it, which `ct lint` runs
    expect(files.get('values.yaml')).toMatch(/\S\n$/);
    expect(defaultsOf(source.schema)).toBeTypeOf('object');
  });
});
