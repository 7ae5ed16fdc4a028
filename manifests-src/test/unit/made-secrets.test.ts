import { describe, expect, it } from 'vitest';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { BASES, RELEASE } from '../support/bases.ts';

const chart = streamspace();
const rendered = (values: object) => objectsOf(chart, RELEASE, values);

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom?: { secretKeyRef?: { name: string; key: string } };
  }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
}
interface Pod {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}
const hub = (objects: readonly RenderedObject[]) =>
  (
    objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'streamspace-api') as
      { spec: { template: { spec: Pod } } } | undefined
  )?.spec.template.spec;
const secrets = (objects: readonly RenderedObject[]) =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => kind === 'Secret')
      .map((secret) => [secret.metadata.name, Object.keys((secret['stringData'] ?? {}) as object)]),
  );
const role = (objects: readonly RenderedObject[]) =>
  objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'streamspace-api-secrets');
const makes = (objects: readonly RenderedObject[]) =>
  hub(objects)?.initContainers?.find(({ name }) => name === 'secrets')?.args ?? [];

describe('part 2 secrets that nobody gave', () => {
  it('are rendered without data, and the hub may get and patch exactly these', () => {
    const objects = rendered({});
    expect(secrets(objects)).toEqual({ 'streamspace-api-auth': [], 'streamspace-enrolment': [] });
    expect(role(objects)!['rules']).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['streamspace-api-auth', 'streamspace-enrolment'],
        verbs: ['get', 'patch'],
      },
    ]);
    expect(makes(objects)).toEqual([
      'JWT_SECRET=streamspace-api-auth/jwt-secret',
      'ENROLMENT_TOKEN=streamspace-enrolment/token',
    ]);
  });

  it('are made before the hub runs, which itself mounts no token', () => {
    const pod = hub(rendered({}))!;
    const mounts = (container: Container) => container.volumeMounts!.map(({ name }) => name);
    expect(mounts(pod.initContainers![0]!)).toContain('kube-api-access');
    for (const each of pod.containers) expect(mounts(each)).not.toContain('kube-api-access');
  });

  it('with an issuer’s keys: the replicas’ own', () => {
    const { auth } = (BASES['streamspace'] as { api: { auth: object } }).api;
    expect(makes(rendered({ api: { auth } }))).toEqual([
      'HUB_PEER_SECRET=streamspace-api-peers/peer-secret',
      'ENROLMENT_TOKEN=streamspace-enrolment/token',
    ]);
  });

  it.each([
    ['named', BASES['streamspace']!],
    ['written', { enrolment: { token: 'x'.repeat(32) }, api: { auth: { secret: 'y'.repeat(32) } } }],
  ])('nothing is made where they are %s, and there is no right to', (_how, values) => {
    const objects = rendered(values);
    expect([makes(objects), role(objects)]).toEqual([[], undefined]);
    for (const keys of Object.values(secrets(objects))) expect(keys).toHaveLength(1);
    expect(JSON.stringify(hub(objects))).not.toContain('kube-api-access');
  });

  it('three replicas of the agent, by the two values that the HA report has', () => {
    const objects = rendered({ k8sAgent: { replicaCount: 3, ha: { enabled: true } } });
    const agent = objects.find(
      ({ metadata, kind }) => kind === 'Deployment' && metadata.name === 'streamspace-k8s-agent',
    );
    expect(agent).toMatchObject({ spec: { replicas: 3 } });
    expect(JSON.stringify(agent)).toContain('{"name":"AGENT_ID","value":"k8s-prod-cluster"}');
  });

  const named = { existingSecret: { name: 'own' } };
  const { auth: issuer } = (BASES['streamspace'] as { api: { auth: object } }).api;
  const enrolments = [{}, named, { token: 'x'.repeat(32) }];
  const auths = [{}, named, { secret: 'y'.repeat(32) }, issuer];
  const peers = [{}, named, { secret: 'z'.repeat(32) }];
  const ways = enrolments.flatMap((enrolment) =>
    auths.flatMap((auth) => peers.map((peer) => ({ enrolment, api: { auth, peers: peer } }))),
  );
  it.each(ways)('what the hub reads of this release’s Secrets has a value, or is made and may be: %j', (values) => {
    const objects = rendered(values);
    const own = secrets(objects);
    const empty = Object.keys(own).filter((name) => own[name]!.length === 0);
    const rules = (role(objects)?.['rules'] ?? []) as { resourceNames: string[] }[];
    expect(rules.flatMap(({ resourceNames }) => resourceNames).sort()).toEqual(empty.sort());
    const given = Object.entries(own).flatMap(([name, keys]) => keys.map((key) => `${name}/${key}`));
    let read = 0;
    for (const { name: setting, valueFrom } of hub(objects)!.containers[0]!.env!) {
      const ref = valueFrom?.secretKeyRef;
      if (ref === undefined) continue;
      read++;
      const at = `${ref.name}/${ref.key}`;
      expect(ref.name === 'own' || given.includes(at) || makes(objects).includes(`${setting}=${at}`), setting).toBe(
        true,
      );
    }
    expect(read).toBeGreaterThanOrEqual(2);
  });
});
