import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { SOURCES } from '../../src/charts/sources.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES } from '../support/bases.ts';

// What the agent's guide says of names, labels and defaults. Its commands run in test/integration/guide.test.ts and test/cluster/guide.ts.

const namesOf = (objects: readonly RenderedObject[], ...kinds: string[]) =>
  objects.filter(({ kind }) => kinds.includes(kind)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
const of = (source: (typeof SOURCES)[number], name: string, values: object = {}) =>
  objectsOf(source, { name, namespace: 'streamspace' }, coalesceValues(BASES[source.name], values));

describe('guide: a release that is called after the agent', () => {
  it.each([
    ['streamspace-k8s-agent', 'streamspace-k8s-agent'],
    ['k8s-agent', 'k8s-agent'],
    ['eu-k8s-agent', 'eu-k8s-agent'],
    ['streamspace', 'streamspace-k8s-agent'],
    ['streamspace-k8s-agent-eu', 'streamspace-k8s-agent-eu-k8s-agent'],
  ])('%s: Deployment, Service and account are %s', (release, name) => {
    const kinds = ['Deployment', 'Service', 'ServiceAccount'];
    expect(namesOf(of(k8sAgent(), release), ...kinds)).toEqual(
      expect.arrayContaining(kinds.map((k) => `${k} ${name}`)),
    );
  });

  it('of the umbrella chart: the agent’s names have no second suffix, the hub’s are told apart', () => {
    const objects = of(streamspace(), 'streamspace-k8s-agent', { k8sAgent: { ha: { enabled: true } } });
    expect(namesOf(objects, 'Deployment', 'Role').sort()).toEqual([
      'Deployment streamspace-k8s-agent',
      'Deployment streamspace-k8s-agent-api',
      'Role streamspace-k8s-agent',
      'Role streamspace-k8s-agent-election',
    ]);
  });
});

it('guide: its NetworkPolicy, which has the agent’s name, adds to the charts’ and replaces none', () => {
  for (const source of [k8sAgent(), streamspace()])
    expect(namesOf(of(source, 'streamspace-k8s-agent'), 'NetworkPolicy')).not.toContain(
      'NetworkPolicy streamspace-k8s-agent',
    );
});

describe('guide: labels app and component', () => {
  interface Labelled {
    readonly metadata: { readonly labels: Record<string, string> };
  }
  const labelsOf = (object: RenderedObject) => (object.metadata as unknown as Labelled['metadata']).labels;
  const podOf = (object: RenderedObject) => (object['spec'] as { template: Labelled }).template.metadata.labels;
  const selectorOf = (object: RenderedObject): Record<string, string> => {
    const { selector } = object['spec'] as { selector: { matchLabels?: Record<string, string> } };
    return selector.matchLabels ?? (selector as Record<string, string>);
  };

  it.each([
    ['chart', 'api'],
    ['chart', 'k8s-agent'],
    ['chart-k8s-agent', 'k8s-agent'],
  ])('%s: workload, pods and Service of %s have them, their selectors do not', (folder, component) => {
    const source = SOURCES.find((each) => each.folder === folder)!;
    const objects = of(source, 'streamspace').filter(({ metadata }) => metadata.name === `streamspace-${component}`);
    const deployment = objects.find(({ kind }) => kind === 'Deployment')!;
    const service = objects.find(({ kind }) => kind === 'Service')!;
    for (const labels of [labelsOf(deployment), podOf(deployment), labelsOf(service)])
      expect(labels).toMatchObject({ app: 'streamspace', component });
    for (const object of [deployment, service])
      expect(Object.keys(selectorOf(object)).sort()).toEqual([
        'app.kubernetes.io/component',
        'app.kubernetes.io/instance',
        'app.kubernetes.io/name',
      ]);
  });

  it('a user’s own win, once', () => {
    const [deployment] = of(k8sAgent(), 'streamspace', { commonLabels: { app: 'desktops' } }).filter(
      ({ kind }) => kind === 'Deployment',
    );
    expect(labelsOf(deployment!)).toMatchObject({ app: 'desktops', component: 'k8s-agent' });
    expect(podOf(deployment!)).toMatchObject({ app: 'desktops', component: 'k8s-agent' });
  });
});

it('guide: an agent alone dials the guide’s control plane where none is named', () => {
  const base = BASES['k8s-agent'] as { enrolment: object };
  const objects = objectsOf(
    k8sAgent(),
    { name: 'streamspace-k8s-agent', namespace: 'streamspace' },
    { enrolment: base.enrolment, agent: { id: 'k8s-prod-eu-west-1' } },
  );
  expect(JSON.stringify(objects)).toContain('"name":"CONTROL_PLANE_URL","value":"wss://streamspace.example.com"');
});

it('guide: a desktop has the netstat that the guide looks with', () => {
  expect(readFileSync(new URL('../../../images/desktop/Dockerfile', import.meta.url), 'utf8')).toMatch(
    /apt-get install [^&]*\bnet-tools\b/,
  );
});
