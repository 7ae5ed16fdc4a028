import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT, HUB } from '@streamspace/settings';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAgentConfig as readAgent } from '../../../agent/src/config.ts';
import { readHubConfig as readHub } from '../../../api/src/config.ts';
import { readPodTemplate } from '../../../agent/src/sessions/kubernetes/pod-template.ts';
import { readWarmTemplates } from '../../../agent/src/sessions/core/warm-templates.ts';
import { readProviders } from '../../../api/src/sign-in/providers.ts';
import { readTemplates } from '../../../api/src/sessions/templates.ts';
import { SOURCES } from '../../src/charts/sources.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { valuesOf } from '../support/arbitrary.ts';
import { BASES, basesOf, RELEASE } from '../support/bases.ts';
import { problems, repaired } from '../support/valid.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** What Secrets, and the kubelet, put into the environment. */
const FROM_ELSEWHERE: Readonly<Record<string, string>> = {
  JWT_SECRET: 'j'.repeat(32),
  ENROLMENT_TOKEN: 'e'.repeat(32),
  HUB_PEER_SECRET: 'p'.repeat(32),
  OIDC_CLIENT_SECRETS: 'company=x',
  AGENT_ENROLMENT_TOKENS: `lab=sse_${'x'.repeat(32)}`,
  STORE_URL: 'redis://:password@store:6379/0',
  REDIS_PASSWORD: 'p'.repeat(16),
  HTTPS_PROXY: 'http://user:password@proxy:3128',
  HTTP_PROXY: 'http://user:password@proxy:3128',
  POD_IP: 'fd00::1',
  POD_NAMESPACE: 'desktops',
  POD_NAME: 'pod-1',
};

function environmentOf(objects: readonly RenderedObject[], container: string): Record<string, string> | undefined {
  const containers = objects
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap(
      (object) =>
        (object as unknown as { spec: { template: { spec: { containers: { name: string; env: Variable[] }[] } } } })
          .spec.template.spec.containers,
    );
  const found = containers.find(({ name }) => name === container);
  if (found === undefined) return undefined;
  const env: Record<string, string> = {};
  const known = [AGENT, HUB].flatMap((table) => Object.values<{ name: string }>(table).map(({ name }) => name));
  for (const { name, value } of found.env) {
    const text = value ?? FROM_ELSEWHERE[name];
    // others are the user's own
    if (!known.includes(name) && FROM_ELSEWHERE[name] === undefined) continue;
    expect(text, `${name} is from a Secret that is not known here`).toBeDefined();
    env[name] = text!.replaceAll(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? '');
  }
  return env;
}

/** Paths of the files that a release gives its programs, by their names. */
function filesOf(objects: readonly RenderedObject[], program: 'k8s-agent' | 'api'): Record<string, string> {
  const maps = objects.filter(
    ({ kind, metadata }) =>
      kind === 'ConfigMap' &&
      (metadata['labels'] as Record<string, string> | undefined)?.['app.kubernetes.io/component'] === program,
  ) as unknown as { data: Record<string, string> }[];
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  const files = maps
    .flatMap(({ data }) => Object.entries(data))
    .filter(([name]) => /^(templates\.json|providers\.json|pod\.yaml)$/.test(name));
  return Object.fromEntries(
    files.map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return [name, join(folder, name)];
    }),
  );
}

/** Both programs read what the release would tell them. */
async function accepted(objects: readonly RenderedObject[]): Promise<void> {
  const agent = environmentOf(objects, 'agent');
  const api = environmentOf(objects, 'api');
  if (agent !== undefined) readAgent(agent, 'host');
  if (api !== undefined) readHub(api);
  const { 'templates.json': pool, 'pod.yaml': template } = filesOf(objects, 'k8s-agent');
  if (pool !== undefined) await readWarmTemplates(pool, { vncPort: 5900 }, 'kubernetes');
  if (template !== undefined) await readPodTemplate(template);
  const { 'templates.json': templates, 'providers.json': providers } = filesOf(objects, 'api');
  if (templates !== undefined) await readTemplates(templates);
  if (providers !== undefined) await readProviders(providers, new Map());
}

for (const source of SOURCES) {
  describe(`part 1 ${source.folder}: what its schema and checks accept, both programs' readers accept`, () => {
    it.each([0.03, 0.1, 0.3, 0.8])(
      'random values, boundaries among them (%d of all values set)',
      async (share) => {
        await fc.assert(
          fc.asyncProperty(valuesOf(source.schema, share), fc.constantFrom(...basesOf(source.name)), (leaves, base) =>
            accepted(objectsOf(source, RELEASE, repaired(source, RELEASE, base, leaves))),
          ),
          { numRuns: 125 },
        );
      },
      300_000,
    );
  });
}

describe('part 1 values found by hand', () => {
  const [umbrella] = SOURCES;
  const base = BASES['streamspace'] as { api: object; k8sAgent: { config: object } };
  const api = (config: object) => ({ ...base, api: { ...base.api, config } });
  const agent = (config: object) => ({ ...base, k8sAgent: { config: { ...base.k8sAgent.config, ...config } } });
  it.each([
    ['commandTimeout: 1h30m', api({ commandTimeout: '1h30m' })],
    [
      'drainTimeout: 1m30s',
      {
        ...api({ drainTimeout: '1m30s' }),
        api: { ...base.api, terminationGracePeriodSeconds: 120, config: { drainTimeout: '1m30s' } },
      },
    ],
    ['session.cpu: 2', agent({ session: { cpu: 2 } })],
    ['session.cpu: 0.5', agent({ session: { cpu: 0.5 } })],
    ['publicUrl with a slash at its end', api({ publicUrl: 'https://hub.example.com/' })],
    ['image.tag: "1.0"', { ...base, api: { ...base.api, image: { tag: '1.0' } } }],
    ['imagePullSecrets: [{name: reg}]', { ...base, imagePullSecrets: [{ name: 'reg' }, 'other'] }],
    ['localhost:5000/x', { ...base, api: { ...base.api, image: { repository: 'localhost:5000/x' } } }],
    ['keys for anchors', { ...base, 'x-anchor': { a: 1 } }],
  ])('%s is taken, and the programs start with it', async (_what, values) => {
    expect(problems(umbrella!, RELEASE, values)).toBeUndefined();
    await accepted(objectsOf(umbrella!, RELEASE, values));
  });
});

describe('part 1 templates', () => {
  const template = {
    id: 'kiosk',
    name: 'Kiosk',
    description: '',
    platforms: ['kubernetes'],
    image: 'streamspace/desktop:1',
    cpu: 0.25,
    memory: 0,
    storage: 0,
    env: { STREAMSPACE_HOME: 'none' },
    warm: 2,
  };
  const [umbrella] = SOURCES;
  const base = BASES['streamspace'] as { api: object; k8sAgent: { config: object } };
  const rendered = (templates: readonly object[], warmPool: readonly object[]) => ({
    ...base,
    api: { ...base.api, config: { templates } },
    k8sAgent: { config: { ...base.k8sAgent.config, session: { warmPool } } },
  });
  const file = (objects: readonly RenderedObject[], map: string): string => {
    const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === map) as unknown as {
      data: Record<string, string>;
    };
    const path = join(mkdtempSync(join(tmpdir(), 'templates-')), 'templates.json');
    writeFileSync(path, found.data['templates.json']!);
    return path;
  };

  it('that the chart takes both programs read', async () => {
    const objects = objectsOf(umbrella!, RELEASE, rendered([template], [template]));
    expect(await readTemplates(file(objects, 'streamspace-api-templates'))).toEqual([template]);
    const warm = await readWarmTemplates(
      file(objects, 'streamspace-k8s-agent-session'),
      { vncPort: 5900 },
      'kubernetes',
    );
    expect(warm.map(({ id }) => id)).toEqual(['kiosk']);
  });

  it.each([
    [{ id: 'x' }, /templates\[0\]\.name: is required, a text/],
    [{ ...template, id: 'X' }, /templates\[0\]\.id: takes DNS label/],
    [{ ...template, platforms: [] }, /templates\[0\]\.platforms: takes a list of 1 to/],
    [{ ...template, cpu: -1 }, /templates\[0\]\.cpu: takes a number from 0/],
    [{ ...template, name: 'x'.repeat(201) }, /templates\[0\]\.name: takes a text of at most 200/],
    [{ ...template, env: { ['x'.repeat(257)]: '' } }, /templates\[0\]\.env: .* a name is too long/],
    [{ ...template, warm: 1.5 }, /templates\[0\]\.warm: takes a whole number/],
    [{ ...template, imag: '' }, /templates\[0\]\.imag: unknown key; did you mean image/],
    ['x', /templates\[0\]: takes a map with id, name/],
  ])('%j is refused by the hub, so by the chart, too, in words', async (wrong, says) => {
    const path = join(mkdtempSync(join(tmpdir(), 'templates-')), 'templates.json');
    writeFileSync(path, JSON.stringify([wrong]));
    await expect(readTemplates(path)).rejects.toThrow();
    expect(problems(umbrella!, RELEASE, rendered([wrong as object], []))!.join('\n')).toMatch(says);
  });
});

describe('part 1 what the chart hands to the agent of sessions', () => {
  const umbrella = SOURCES[0]!;
  const base = BASES['streamspace'] as { k8sAgent: { config: object } };
  const session = (values: object) => ({
    ...base,
    k8sAgent: { config: { ...base.k8sAgent.config, session: values } },
  });
  const kiosk = { id: 'kiosk', env: { STREAMSPACE_HOME: 'none' }, warm: 1 };

  it.each([
    ['metadata and spec alone', { metadata: { labels: { team: 'a' } }, spec: { nodeSelector: { pool: 'a' } } }],
    ['a whole Pod', { apiVersion: 'v1', kind: 'Pod', spec: { tolerations: [{ key: 'a', operator: 'Exists' }] } }],
    [
      'null, which takes a key away',
      {
        spec: {
          securityContext: null,
          containers: [{ name: 'session', resources: { limits: { cpu: null }, requests: null } }],
        },
      },
    ],
    ['a volume removed', { spec: { volumes: [{ name: 'shm', $patch: 'delete' }] } }],
    ['a list in place of ours', { spec: { imagePullSecrets: [{ $patch: 'replace' }, { name: 'a' }] } }],
    [
      'a part of a mount that is there',
      { spec: { containers: [{ name: 'session', volumeMounts: [{ mountPath: '/tmp', readOnly: true }] }] } },
    ],
    [
      'a container of its own',
      { spec: { containers: [{ name: 'a', image: 'a:1' }], volumes: [{ name: 'b', emptyDir: {} }] } },
    ],
  ])('%s: a pod template that both take', async (_what, podTemplate) => {
    const values = session({ podTemplate });
    expect(problems(umbrella, RELEASE, values)).toBeUndefined();
    await accepted(objectsOf(umbrella, RELEASE, values));
  });

  it.each([
    [[{ ...kiosk, env: {} }], /warmPool: kiosk: warm needs STREAMSPACE_HOME=none in its env/],
    [[{ id: 'kiosk', warm: 1 }], /warmPool: kiosk: warm needs STREAMSPACE_HOME=none/],
    [[{ ...kiosk, env: { STREAMSPACE_HOME: 'kept' } }], /warmPool: kiosk: warm needs STREAMSPACE_HOME=none/],
    [
      [{ ...kiosk, env: { STREAMSPACE_HOME: 'never' } }],
      /warmPool\[0\]\.env\.STREAMSPACE_HOME: takes one of kept, none/,
    ],
    [
      [{ ...kiosk, env: { ...kiosk.env, VNC_PORT: 'x' } }],
      /warmPool\[0\]\.env\.VNC_PORT: takes a port from 1 to 65535/,
    ],
    [[{ ...kiosk, env: { ...kiosk.env, HOME: 'here' } }], /warmPool\[0\]\.env\.HOME: takes a full path/],
    [[kiosk, kiosk], /warmPool: kiosk is there twice/],
  ])('%j is refused by the agent, so by the chart, too, in words', async (warmPool, says) => {
    const path = join(mkdtempSync(join(tmpdir(), 'pool-')), 'templates.json');
    writeFileSync(path, JSON.stringify(warmPool));
    await expect(readWarmTemplates(path, { vncPort: 5900 }, 'kubernetes')).rejects.toThrow();
    expect(problems(umbrella, RELEASE, session({ warmPool }))!.join('\n')).toMatch(says);
  });

  it.each([
    [{ kind: 'Deployment' }, /podTemplate\.kind: takes Pod/],
    [{ status: {} }, /podTemplate\.status: unknown key/],
    [{ metadata: { name: 'a' } }, /podTemplate\.metadata\.name: unknown key; did you mean (labels|annotations)/],
    [{ metadata: { labels: { session: 'x' } } }, /metadata\.labels\.session: takes nothing: the agent sets it itself/],
    [{ metadata: { labels: { n: 1 } } }, /metadata\.labels\.n: takes a text/],
    [
      { metadata: { annotations: { 'streamspace.io/user': 'x' } } },
      /annotations\.streamspace\.io\/user: takes nothing/,
    ],
    [{ spec: { containers: [{ image: 'x' }] } }, /containers\[0\]\.name: is required/],
    [{ spec: { containers: [{ name: 'x' }] } }, /containers\[0\]: takes an image; only the container session/],
    [{ spec: { containers: [{ name: 'session', $patch: 'delete' }] } }, /containers\[0\]: takes no \$patch/],
    [{ spec: { volumes: [{ name: 'home', emptyDir: {} }] } }, /volumes\[0\]: takes another name/],
  ])('%j is refused by the agent, so by the chart, too', async (wrong, says) => {
    const path = join(mkdtempSync(join(tmpdir(), 'pod-')), 'pod.yaml');
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...wrong }));
    await expect(readPodTemplate(path)).rejects.toThrow();
    expect(problems(umbrella, RELEASE, session({ podTemplate: wrong }))!.join('\n')).toMatch(says);
  });
});
