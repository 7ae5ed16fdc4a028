import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { SessionSpec } from '@streamspace/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { claimFor } from '../../src/sessions/kubernetes/objects/claim.ts';
import { hasHome } from '../../src/sessions/core/environment.ts';
import { mergePod } from '../../src/sessions/kubernetes/objects/merge.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName, labelValue, oldHomeName } from '../../src/sessions/core/names.ts';
import { podFor, warmPodFor } from '../../src/sessions/kubernetes/objects/pod.ts';
import { bytesQuantity, cpuQuantity, parseQuantity } from '../../src/sessions/kubernetes/objects/quantity.ts';
import { recordOf, type ServiceDraft } from '../../src/sessions/kubernetes/objects/record.ts';
import { serviceFor } from '../../src/sessions/kubernetes/objects/service.ts';
import type { SessionObjectsConfig } from '../../src/sessions/kubernetes/objects/settings.ts';
import { problemsOf, readPodTemplate } from '../../src/sessions/kubernetes/pod-template.ts';

const SPEC: SessionSpec = {
  id: 'desk-1',
  user: 'ada',
  template: 'desktop',
  name: 'My desktop',
  cpu: 1,
  memory: 1024 ** 3,
  storage: 10 * 1024 ** 3,
  image: 'streamspace/desktop:latest',
  env: {},
  created_at: '2026-01-31T12:00:00.000Z',
};
const CONFIG: SessionObjectsConfig = {
  agentId: 'agent-1',
  namespace: 'streamspace',
  defaultImage: 'streamspace/desktop:latest',
  sessionImagePullPolicy: 'IfNotPresent',
  sessionDefaultCpu: 1,
  sessionDefaultMemory: 2 * 1024 ** 3,
  sessionDefaultStorage: 10 * 1024 ** 3,
  sessionStorageClass: undefined,
  sessionServiceType: 'ClusterIP',
  vncPort: 5900,
};
const record = (spec: SessionSpec): ServiceDraft => ({
  spec,
  phase: 'creating',
  commandId: 'command-1',
  term: 3,
  reason: '',
  deleteHome: false,
  pod: sessionName(spec.id),
  since: '2026-01-31T12:00:01.000Z',
});
const UID = '11111111-2222-3333-4444-555555555555';

describe('F13 images of a registry', () => {
  const image = (name: string, sessionImageRegistry: string | undefined) =>
    podFor({ ...record({ ...SPEC, image: name }), uid: UID }, { ...CONFIG, sessionImageRegistry }).spec!.containers[0]!
      .image;
  it.each([
    ['streamspace/desktop:1', 'mirror.example.com:5000/x', 'mirror.example.com:5000/x/streamspace/desktop:1'],
    ['desktop', 'mirror.example.com', 'mirror.example.com/desktop'],
    ['ghcr.io/a/b:1', 'mirror.example.com', 'ghcr.io/a/b:1'],
    ['localhost/a', 'mirror.example.com', 'localhost/a'],
    ['registry:5000/a', 'mirror.example.com', 'registry:5000/a'],
    ['', 'mirror.example.com', 'mirror.example.com/streamspace/desktop:latest'],
    ['streamspace/desktop:1', undefined, 'streamspace/desktop:1'],
  ])('%s of %s is %s', (name, registry, expected) => {
    expect(image(name, registry)).toBe(expected);
  });
  it('are pulled with the credentials that the configuration names', () => {
    const { spec } = podFor({ ...record(SPEC), uid: UID }, { ...CONFIG, sessionImagePullSecrets: 'a,b' });
    expect(spec!.imagePullSecrets).toEqual([{ name: 'a' }, { name: 'b' }]);
  });
});

describe('session objects', () => {
  const folder = join(import.meta.dirname, 'kubernetes-golden');
  // a folder is a case: input.json (what differs from the plain session), template.yaml, and what comes out
  it.for(readdirSync(folder))('%s is as its golden files say', async (name) => {
    const input = JSON.parse(readFileSync(join(folder, name, 'input.json'), 'utf8')) as {
      spec: Partial<SessionSpec>;
      config: Partial<SessionObjectsConfig>;
    };
    const template = join(folder, name, 'template.yaml');
    const podTemplate = existsSync(template) ? await readPodTemplate(template) : undefined;
    const spec = { ...SPEC, ...input.spec };
    const config = { ...CONFIG, ...input.config, podTemplate };
    const all = {
      pod: podFor({ ...record(spec), uid: UID }, config),
      service: serviceFor(record(spec), config),
      ...(hasHome(spec)
        ? { claim: claimFor(spec, config) }
        : { warm: warmPodFor(spec, 'warm-desktop-0123456789', config) }),
    };
    for (const [kind, object] of Object.entries(all)) {
      await expect(stringify(object, { lineWidth: 0, sortMapEntries: true })).toMatchFileSnapshot(
        join(folder, name, `${kind}.yaml`),
      );
    }
  });

  it('carries the record in the Service and reads it back', () => {
    const service = serviceFor(record(SPEC), CONFIG);
    Object.assign(service.metadata!, { uid: UID, resourceVersion: '7' });
    const known = { uid: UID, version: '7', agent: 'agent-1', id: SPEC.id, desired: 'running' };
    expect(recordOf(service)).toEqual({ ...record(SPEC), ...known });
    service.metadata!.name = 'something-else';
    expect(recordOf(service)).toBeUndefined();
  });

  const { 'streamspace.io/spec': specText, ...others } = serviceFor(record(SPEC), CONFIG).metadata!.annotations!;
  const NO_SPEC = { user: SPEC.user, template: 'unknown' };
  it.for<[Record<string, string>, string, object]>([
    [{ 'streamspace.io/phase': 'banana' }, 'its phase is "banana", which this version does not know', SPEC],
    [{ 'streamspace.io/phase': '' }, 'its phase is ""', SPEC],
    [{ 'streamspace.io/term': '1e3' }, 'its term is "1e3"', SPEC],
    [{ 'streamspace.io/term': '-1' }, 'its term is "-1"', SPEC],
    [{ 'streamspace.io/term': '9007199254740991' }, 'its term is', SPEC],
    [{ 'streamspace.io/spec': '' }, 'it has no spec', NO_SPEC],
    [{ 'streamspace.io/spec': '{not json' }, 'its spec is no JSON', NO_SPEC],
    [{ 'streamspace.io/spec': '[]' }, 'its spec is no JSON object', NO_SPEC],
    [{ 'streamspace.io/spec': JSON.stringify({ ...SPEC, id: 'another' }) }, 'that of session another', NO_SPEC],
    [{ 'streamspace.io/spec': JSON.stringify({ ...SPEC, cpu: -1 }) }, 'its spec cpu must be >= 0', { ...SPEC, cpu: 0 }],
  ])('K1 a record with %j is one, and says what can’t be read', ([changes, problem, spec]) => {
    const service = serviceFor(record(SPEC), CONFIG);
    Object.assign(service.metadata!, { uid: UID, resourceVersion: '7' });
    Object.assign(service.metadata!.annotations!, changes);
    const found = recordOf(service)!;
    expect(found).toMatchObject({ phase: 'unreadable', uid: UID, agent: 'agent-1', spec });
    expect(found.spec.id).toBe(SPEC.id);
    expect(found.problem).toContain(problem);
    // one that is to be deleted goes on to be, and nothing of it is lost until then
    const more = { ...changes, 'streamspace.io/phase': 'deleting' };
    Object.assign(service.metadata!.annotations!, more);
    const deleted = { ...recordOf(service)!, phase: 'deleting' } as const;
    if (deleted.problem !== undefined) expect(recordOf(service)).toMatchObject({ phase: 'deleting' });
    const kept = { 'streamspace.io/spec': specText, ...others, ...more, 'streamspace.io/term': String(deleted.term) };
    expect(serviceFor(deleted, CONFIG).metadata!.annotations).toEqual(kept);
  });

  it('K1 keeps what newer versions know of a session', () => {
    const service = serviceFor(record(SPEC), CONFIG);
    const newer = { 'streamspace.io/spec': JSON.stringify({ ...SPEC, gpu: 2 }), 'streamspace.io/future': 'later' };
    Object.assign(service.metadata!.annotations!, newer, { 'somebody.else/note': 'theirs' });
    const found = recordOf(service)!;
    expect(found).toMatchObject({ phase: 'creating', spec: SPEC });
    expect(found.problem).toBeUndefined();
    const { annotations } = serviceFor({ ...found, phase: 'hibernated' }, CONFIG).metadata!;
    expect(annotations).toEqual({ ...others, ...newer, 'streamspace.io/phase': 'hibernated' });
  });

  it('refuses a port or a home that is none, naming the variable', () => {
    expect(() => podFor({ ...record({ ...SPEC, env: { VNC_PORT: '0' } }), uid: UID }, CONFIG)).toThrow('VNC_PORT');
    expect(() => podFor({ ...record({ ...SPEC, env: { HOME: 'home' } }), uid: UID }, CONFIG)).toThrow('HOME');
  });
});

describe('names', () => {
  const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
  const LABEL = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
  const id = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

  it('are valid for every id, user and template', () => {
    fc.assert(
      fc.property(id, fc.string({ minLength: 1, maxLength: 256, unit: 'grapheme' }), id, (session, user, template) => {
        expect(sessionName(session)).toMatch(NAME);
        expect(homeName({ user, template })).toMatch(NAME);
        expect(labelValue(user)).toMatch(LABEL);
      }),
    );
  });

  it('S10 of homes have 80 bits: two users who found one name of 40 have two', () => {
    const hashes = ['bob.#@4o16', 'bob.!@jg9l', 'bob,,%;,x', 'bob|/<:<x'].map(
      (user) => /-([0-9a-f]{20})$/.exec(homeName({ user, template: 'desktop' }))?.[1],
    );
    expect(hashes).not.toContain(undefined);
    expect(new Set(hashes).size).toBe(4);
    // as earlier versions made them
    expect(oldHomeName({ user: 'ada', template: 'desktop' })).toBe('home-ada-desktop-37d17014b0');
    const [one, other] = ['bob,,%;,x', 'bob|/<:<x'].map((user) => oldHomeName({ user, template: 'desktop' }));
    expect(one).toBe(other);
  });

  it('of homes differ where user or template differ', () => {
    const names = [
      homeName({ user: 'ada', template: 'desktop' }),
      homeName({ user: 'Ada', template: 'desktop' }),
      homeName({ user: 'ada', template: 'terminal' }),
      homeName({ user: 'ada-desktop', template: 'x' }),
      homeName({ user: 'ada', template: 'desktop-x' }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('quantities', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => parseQuantity(bytesQuantity(bytes)) === bytes),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        (milli) => Math.abs(parseQuantity(cpuQuantity(milli / 1000)) - milli / 1000) < 1e-9,
      ),
    );
    expect(['500m', '2Gi', '1e3', '0.5', '2M', '-1'].map(parseQuantity)).toEqual([0.5, 2 ** 31, 1000, 0.5, 2e6, -1]);
    expect([parseQuantity('x'), parseQuantity('1 Gi'), parseQuantity('')]).toEqual([NaN, NaN, NaN]);
  });
});

describe('pod template', () => {
  const built = (): V1Pod => podFor({ ...record(SPEC), uid: UID }, CONFIG);

  it('merges lists by their keys, removes by null and $patch, lets a volume be of another kind', () => {
    const merged = mergePod(built(), {
      spec: {
        containers: [{ name: 'session', env: [{ name: 'HOME', value: '/x' }], resources: { limits: null } }],
        volumes: [
          { name: 'tmp', configMap: { name: 'x' } },
          { $patch: 'delete', name: 'shm' },
        ],
        tolerations: [{ operator: 'Exists' }],
        securityContext: { $patch: 'replace', runAsUser: 5 },
      },
    });
    const [session] = merged.spec!.containers;
    expect(session!.env!.find(({ name }) => name === 'HOME')!.value).toBe('/x');
    expect(session!.env!.length).toBe(built().spec!.containers[0]!.env!.length);
    expect(session!.resources).toEqual({ requests: { cpu: '1', memory: '1Gi' } });
    expect(merged.spec!.volumes!.map(({ name }) => name)).toEqual(['home', 'tmp']);
    expect(merged.spec!.volumes![1]).toEqual({ name: 'tmp', configMap: { name: 'x' } });
    expect(merged.spec!.securityContext).toEqual({ runAsUser: 5 });
    expect(built().spec!.volumes!.length).toBe(3);
  });

  it('never changes what identifies the session', () => {
    const podTemplate = { metadata: { labels: { app: 'x', more: 'y' }, annotations: { 'streamspace.io/term': '99' } } };
    const pod = podFor({ ...record(SPEC), uid: UID }, { ...CONFIG, podTemplate });
    expect(pod.metadata!.labels).toEqual({
      app: 'session',
      agent: 'agent-1',
      session: 'desk-1',
      user: 'ada',
      more: 'y',
    });
    expect(pod.metadata!.annotations!['streamspace.io/term']).toBe('3');
  });

  it.for([
    ['a list', [], 'takes a Pod'],
    ['a Deployment', { apiVersion: 'apps/v1', kind: 'Deployment' }, 'given was apps/v1, Deployment'],
    ['a status', { apiVersion: 'v1', kind: 'Pod', status: {} }, 'status: not taken'],
    ['a name', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }, 'metadata.name: not taken'],
    [
      'our label',
      { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { session: 'x' } } },
      'metadata.labels.session: is set by the agent',
    ],
    ['a number as label', { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { n: 1 } } }, 'quote numbers'],
    [
      'a nameless container',
      { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: 'x' }] } },
      'spec.containers[0].name: required',
    ],
    [
      'a sidecar without image',
      { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'x' }] } },
      'spec.containers[0].image: required',
    ],
    ['our volume', { apiVersion: 'v1', kind: 'Pod', spec: { volumes: [{ name: 'home' }] } }, 'choose another name'],
    [
      'the session removed',
      { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'session', $patch: 'delete' }] } },
      'it can be changed only',
    ],
  ] as const)('refuses %s, naming the field', ([, template, problem]) => {
    expect(problemsOf(template).join('\n')).toContain(problem);
  });

  it('takes a good one', () => {
    expect(
      problemsOf({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { labels: { a: 'b' } },
        spec: { nodeSelector: { a: 'b' } },
      }),
    ).toEqual([]);
  });
});
