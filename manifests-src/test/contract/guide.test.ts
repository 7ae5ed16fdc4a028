import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { BASES } from '../support/bases.ts';
import { asciiOf, objectsIn } from '../support/charts.ts';
import { INSTALL, SESSIONS, TOKEN } from '../support/guide.ts';
import { MORE, OPERATIONS } from '../support/guide-operations.ts';
import { REPORT } from '../support/report.ts';
import { Shell } from '../support/shell.ts';
import { HELMS } from '../support/tools.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const typed = [...REPORT, ...INSTALL, ...MORE]
  .map(({ type }) => type)
  .filter((type) => /^helm (install|upgrade) /m.test(type));

interface Container {
  readonly name: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}
const agentIn = (objects: readonly RenderedObject[]) => {
  const deployment = objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith('k8s-agent'),
  )!;
  const { template } = deployment['spec'] as { template: { spec: { containers: Container[] } } };
  const { name, env } = template.spec.containers[0]!;
  return {
    name: deployment.metadata.name,
    container: name,
    env: Object.fromEntries(env.map((each) => [each.name, each.value ?? ''])),
  };
};

/** What becomes of each line: the Deployment, and some of its environment. */
const BECOMES: readonly (readonly [deployment: string, env: Record<string, string>])[] = [
  ['streamspace-k8s-agent', { AGENT_ID: 'k8s-prod-cluster', ENABLE_HA: 'true' }],
  ['streamspace-k8s-agent', { AGENT_ID: 'k8s-prod-cluster', ENABLE_HA: 'true' }],
  ['streamspace-k8s-agent', { AGENT_ID: 'k8s-prod-cluster', ENABLE_HA: 'true' }],
  [
    'streamspace-k8s-agent',
    { AGENT_ID: 'k8s-prod-us-east-1', REGION: 'us-east-1', CONTROL_PLANE_URL: 'wss://streamspace.example.com' },
  ],
  ['streamspace-k8s-agent-eu-k8s-agent', { AGENT_ID: 'k8s-prod-eu-west-1', REGION: 'eu-west-1' }],
  ['streamspace-agent-us-east-k8s-agent', { AGENT_ID: 'k8s-us-east', REGION: 'us-east-1' }],
  ['streamspace-agent-eu-west-k8s-agent', { AGENT_ID: 'k8s-eu-west', REGION: 'eu-west-1' }],
  ['streamspace-agent-tenant-a-k8s-agent', { AGENT_ID: 'k8s-tenant-a' }],
  ['streamspace-agent-tenant-b-k8s-agent', { AGENT_ID: 'k8s-tenant-b' }],
  ['streamspace-agent-primary-k8s-agent', { AGENT_ID: 'k8s-primary', PRIORITY: 'high' }],
  ['streamspace-agent-standby-k8s-agent', { AGENT_ID: 'k8s-standby', PRIORITY: 'low' }],
];

describe.each(HELMS)('guide: lines of helm render as they are typed, by $name', ({ file, name }) => {
  const home = mkdtempSync(join(tmpdir(), 'guide-'));
  let shell: Shell;

  beforeAll(() => {
    cpSync(`${root}chart`, join(home, 'chart'), { recursive: true });
    mkdirSync(join(home, 'streamspace'));
    cpSync(`${root}chart-k8s-agent`, join(home, 'streamspace', 'k8s-agent'), { recursive: true });
    // the secrets, and the id that the report's first values had
    const { k8sAgent: _id, ...secrets } = BASES['streamspace']!;
    const hub = { ...secrets, k8sAgent: { config: { agentId: 'k8s-prod-cluster' } } };
    writeFileSync(join(home, 'hub.json'), asciiOf(hub));
    writeFileSync(join(home, 'agent.json'), asciiOf({ enrolment: BASES['k8s-agent']!['enrolment'] }));
    const given = (values: string) =>
      `shift; ${file} template "$@" --values ${join(home, values)} --kube-version 1.34.0`;
    const before = `helm() { case "$1" in install) ${given('agent.json')};; *) ${given('hub.json')};; esac; }`;
    shell = new Shell(home, { ...process.env, HOME: home }, before);
  });

  it('there are as many as are known', () => {
    expect(typed).toHaveLength(BECOMES.length);
  });

  it
    .skipIf(file === undefined)
    .each(typed.map((type, index) => [/helm (install|upgrade) \S+/.exec(type)![0], index, type] as const))(
    `%s (%i)${file === undefined ? ` (${name} is not on PATH)` : ''}`,
    async (_line, index, type) => {
      const [deployment, env] = BECOMES[index]!;
      const rendered = agentIn(objectsIn(await shell.run(type), '1.1'));
      expect(rendered).toMatchObject({ name: deployment, container: 'agent', env });
      expect(rendered.env['CONTROL_PLANE_URL']).toMatch(
        type.includes('./chart') ? /^ws:\/\/streamspace-api\./ : /^wss:\/\/streamspace\.example\.com$/,
      );
    },
  );
});

describe('guide: what lines of kubectl speak of is there', () => {
  const alone = [...INSTALL, ...OPERATIONS].map(({ type }) => type);
  const report = REPORT.map(({ type }) => type);
  const labelsOf = (object: RenderedObject) => {
    const { template } = (object['spec'] ?? {}) as { template?: { metadata: { labels: Record<string, string> } } };
    return template?.metadata.labels ?? {};
  };

  it.each([
    [
      'an agent alone',
      alone,
      objectsOf(k8sAgent(), { name: 'streamspace-k8s-agent', namespace: 'streamspace' }, BASES['k8s-agent']!),
    ],
    [
      'the umbrella chart',
      report,
      objectsOf(streamspace(), { name: 'streamspace', namespace: 'streamspace' }, BASES['streamspace']!),
    ],
  ] as const)('of %s', (_what, typed, objects) => {
    const names = (kind: string) =>
      objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
    for (const line of typed.filter((each) => /^kubectl /m.test(each))) {
      for (const [, name] of line.matchAll(/deployment[ /](streamspace-[\w-]+)/g))
        expect(names('Deployment'), line).toContain(name);
      for (const [, name] of line.matchAll(/svc\/([\w-]+)/g)) expect(names('Service'), line).toContain(name);
      for (const [, name] of line.matchAll(/serviceaccount:streamspace:([\w-]+)/g))
        expect(names('ServiceAccount'), line).toContain(name);
      for (const [, selector] of line.matchAll(/ -l (\S+=\S+)/g)) {
        const wanted = Object.fromEntries(selector!.split(',').map((each) => each.split('=')));
        expect(objects.map(labelsOf), line).toContainEqual(expect.objectContaining(wanted));
      }
    }
  });

  it('of its sessions, and of its token', () => {
    const selectors = SESSIONS.flatMap(({ type }) => [...type.matchAll(/ -l (\S+)/g)].map(([, selector]) => selector));
    expect(selectors).toEqual(['app=session', 'agent=k8s-prod-us-east-1']);
    // the name that the chart tells where there is none (support/wrong.ts)
    expect(TOKEN).toContain('create secret generic streamspace-k8s-agent-token');
  });
});
