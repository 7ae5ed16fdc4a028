import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../src/charts/sources.ts';
import { casesIn, EXAMPLE } from '../../src/render/cases.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES } from '../support/bases.ts';
import { immutableOf } from '../../src/render/immutable.ts';

const folder = fileURLToPath(new URL('../releases', import.meta.url));
const cases = casesIn(fileURLToPath(new URL('../../../test-values', import.meta.url)));
const now = Object.fromEntries(
  cases.map((each) => [each.name, immutableOf(objectsOf(each.source, { ...EXAMPLE, service: 'Helm' }, each.values))]),
);
describe.each(readdirSync(folder))('upgrade from %s', (file) => {
  const before = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as typeof now;
  it.each(Object.keys(before).filter((name) => name in now))('keeps immutable fields and names of %s', (name) => {
    expect(now[name]).toMatchObject(JSON.parse(JSON.stringify(before[name])));
  });
});

const name = (object: RenderedObject) => `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
/** Everything on, so that everything has a name. */
const TEMPLATE = {
  id: 'a',
  name: '',
  description: '',
  platforms: ['kubernetes'],
  image: '',
  cpu: 1,
  memory: 0,
  storage: 0,
  env: {},
};

const ALL: Record<string, object> = {
  streamspace: {
    ca: { pem: '-----BEGIN CERTIFICATE-----' },
    enrolment: { existingSecret: { name: '' }, token: 'x'.repeat(32) },
    api: {
      replicaCount: 3,
      auth: { jwksUrl: '', secret: 'x'.repeat(32) },
      config: { templates: [TEMPLATE] },
      ingress: { enabled: true, hosts: ['a'] },
    },
    k8sAgent: {
      replicaCount: 3,
      ha: { enabled: true, createLease: true },
      config: { session: { podTemplate: { spec: {} } } },
      resourceQuota: { enabled: true },
    },
    redis: { auth: { password: 'x'.repeat(16) } },
    observability: {
      serviceMonitor: { enabled: true },
      podMonitor: { enabled: true },
      prometheusRule: { enabled: true },
      dashboard: { enabled: true },
    },
  },
  'k8s-agent': {
    ca: { pem: '-----BEGIN CERTIFICATE-----' },
    enrolment: { existingSecret: { name: '' }, token: 'x'.repeat(32) },
    ha: { enabled: true, createLease: true },
    agent: { replicaCount: 3, config: { session: { podTemplate: { spec: {} } } } },
    resourceQuota: { enabled: true },
    podMonitor: { enabled: true },
    prometheusRule: { enabled: true },
  },
};
const render = (source: (typeof SOURCES)[number], release: string, values: object = {}, namespace = 'desktops') =>
  objectsOf(
    source,
    { name: release, namespace },
    coalesceValues(coalesceValues(BASES[source.name], ALL[source.name]), values),
    {
      tests: true,
    },
  );

describe.each(SOURCES.map((source) => [source.folder, source] as const))('names of %s', (_folder, source) => {
  const long = 'a'.repeat(52);
  it.each([
    ['two releases', ['streamspace', 'other']],
    [
      'a release that is called like a part of another',
      ['streamspace', 'streamspace-api', 'streamspace-k8s', 'streamspace-redis'],
    ],
    ['long names that differ at the end', [`${long}1`, `${long}2`]],
  ])('%s in one namespace share nothing', (_what, releases) => {
    const names = releases.flatMap((release) => render(source, release).map(name));
    expect(new Set(names).size).toBe(names.length);
  });

  it('two releases that share their namespace have a Lease each', () => {
    const leases = ['streamspace', 'other'].map(
      (release) => render(source, release).find(({ kind }) => kind === 'Lease')!.metadata.name,
    );
    expect(leases).toEqual(['k8s-agent-leader-election', 'other-streamspace-k8s-agent-leader-election']);
  });

  it.each([
    ['a release of 53 characters', 'a'.repeat(53), {}],
    ['a fullname of 63 characters', 'streamspace', { fullnameOverride: 'b'.repeat(63) }],
    ['a name of 63 characters', 'streamspace-x', { nameOverride: 'c'.repeat(63) }],
    ['dashes where it is cut', `${'d-'.repeat(26)}d`, {}],
  ])('%s: every name and label fits', (_what, release, values) => {
    for (const object of render(source, release, values)) {
      expect(object.metadata.name, object.kind).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      const labels = (object.metadata['labels'] ?? {}) as Record<string, string>;
      for (const [key, value] of Object.entries(labels))
        expect(value, key).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
    }
  });

  it('selectors hang on nothing that changes with a version or a value', () => {
    const plain = immutableOf(render(source, 'streamspace'));
    const newer = immutableOf(
      objectsOf(
        { ...source, version: '9.9.9', appVersion: '9.9.9' },
        { name: 'streamspace', namespace: 'desktops' },
        coalesceValues(coalesceValues(BASES[source.name], ALL[source.name]), { commonLabels: { a: 'b' } }),
        { tests: true },
      ),
    );
    expect(newer).toEqual(plain);
  });
});
