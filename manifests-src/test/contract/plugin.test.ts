import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildPlugin } from '../../../scripts/build-plugin.mjs';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { objectsOf } from '../../src/render/synth.ts';
import { coalesceValues, leavesOf } from '../../src/values/tree.ts';
import { byIdentity, objectsIn } from '../support/charts.ts';
import { execute, type Outcome } from '../support/tools.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const plugin = join(mkdtempSync(join(tmpdir(), 'plugin-')), 'plugin.cjs');
beforeAll(() => buildPlugin(plugin));

/** Runs the plugin with nothing in its environment but what Argo CD would set. */
const run = (command: string, cwd: string, env: Record<string, string> = {}): Promise<Outcome> =>
  execute(process.execPath, [plugin, command], {
    cwd,
    env: { ARGOCD_APP_NAME: 'streamspace', ARGOCD_APP_NAMESPACE: 'desktops', ...env },
  });

function project(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const WORKS =
  'enrolment: {existingSecret: {name: e}}\napi: {auth: {jwksUrl: "https://a.example.com/keys", issuer: i, audience: a}, peers: {existingSecret: {name: p}}}\nk8sAgent: {config: {agentId: eu-1}}\n';
const working = () =>
  project({ 'cdk8s.yaml': 'streamspace: {chart: chart, values: [values.yaml]}\n', 'values.yaml': WORKS });

describe('plugin for Argo CD', () => {
  it('generates what the direct synth gives, nothing else on stdout, twice the same bytes', async () => {
    const first = await run('generate', repository);
    expect(first.stderr).toBe('');
    expect(first.code).toBe(0);
    const values = coalesceValues(
      { argocd: { syncWaves: true } },
      parse(readFileSync(join(repository, 'test-values/argocd.yaml'), 'utf8')),
    );
    const direct = objectsOf(streamspace(), { name: 'streamspace', namespace: 'desktops', service: 'argocd' }, values);
    expect(byIdentity(objectsIn(first.stdout, '1.1'))).toEqual(JSON.parse(JSON.stringify(byIdentity(direct))));
    expect((await run('generate', repository)).stdout).toBe(first.stdout);
  });

  it('is discovered by our key only', async () => {
    expect((await run('discover', repository)).stdout).toBe('cdk8s.yaml\n');
    expect((await run('discover', project({ 'cdk8s.yaml': 'language: typescript\napp: node main.js\n' }))).stdout).toBe(
      '',
    );
    expect((await run('discover', project({ 'README.md': '' }))).stdout).toBe('');
  });

  it('announces every value as a parameter, with its default', async () => {
    const { stdout } = await run('parameters', repository);
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(leavesOf(streamspace().schema).map(({ path }) => path.join('.')));
  });

  it('takes parameters of each kind, over the environment, over files', async () => {
    const { stdout, stderr } = await run('generate', working(), {
      ARGOCD_ENV_VALUES: 'k8sAgent: {config: {region: env, maxSessions: 7}}',
      ARGOCD_ENV_SET_k8sAgent__config__maxSessions: '8',
      ARGOCD_ENV_SET_k8sAgent__config__vnc__port: '5901',
      ARGOCD_APP_PARAMETERS: JSON.stringify([
        { name: 'k8sAgent.config.region', string: 'on' },
        { name: 'k8sAgent.config.maxSessions', string: '9' },
        { name: 'k8sAgent.ha.enabled', string: 'true' },
        { name: 'commonLabels', map: { team: '0777' } },
        { name: 'api.config.allowedOrigins', array: ['https://a.example.com', 'https://b.example.com'] },
        { name: 'k8sAgent.tolerations', array: ['{key: a, operator: Exists}'] },
        { name: 'k8sAgent.nodeSelector', string: '{pool: "on"}' },
      ]),
    });
    expect(stderr).toBe('');
    const direct = objectsOf(
      streamspace(),
      { name: 'streamspace', namespace: 'desktops', service: 'argocd' },
      coalesceValues(parse(WORKS), {
        argocd: { syncWaves: true },
        commonLabels: { team: '0777' },
        api: { config: { allowedOrigins: ['https://a.example.com', 'https://b.example.com'] } },
        k8sAgent: {
          config: { region: 'on', maxSessions: 9, vnc: { port: 5901 } },
          ha: { enabled: true },
          tolerations: [{ key: 'a', operator: 'Exists' }],
          nodeSelector: { pool: 'on' },
        },
      }),
    );
    expect(byIdentity(objectsIn(stdout, '1.1'))).toEqual(JSON.parse(JSON.stringify(byIdentity(direct))));
  });

  it('renders the other chart where the environment or cdk8s.yaml names it', async () => {
    const folder = project({
      'cdk8s.yaml': 'streamspace: {chart: k8s-agent, release: eu}\n',
    });
    const values = {
      agent: { id: 'eu-1', controlPlaneUrl: 'wss://a.example.com' },
      enrolment: { existingSecret: { name: 'e' } },
    };
    const { stdout } = await run('generate', folder, { ARGOCD_ENV_VALUES: JSON.stringify(values) });
    const direct = objectsOf(
      k8sAgent(),
      { name: 'eu', namespace: 'desktops', service: 'argocd' },
      { ...values, argocd: { syncWaves: true } },
    );
    expect(byIdentity(objectsIn(stdout, '1.1'))).toEqual(JSON.parse(JSON.stringify(byIdentity(direct))));
  });

  it('F16 announces what files and environment set, and trims the names of files', async () => {
    const folder = project({
      'cdk8s.yaml': 'streamspace: {values: [values.yaml]}\n',
      'values.yaml': WORKS,
      'more.yaml': 'k8sAgent: {nodeSelector: {pool: a}}\ncommonLabels: {team: a}\n',
      'last.yaml': 'k8sAgent: {resources: {limits: {cpu: null}}}\n',
    });
    const env = { ARGOCD_ENV_VALUE_FILES: 'more.yaml , last.yaml,', ARGOCD_ENV_SET_api__replicaCount: '2' };
    const { stdout, stderr } = await run('parameters', folder, env);
    expect(stderr).toBe('');
    const now = new Map((JSON.parse(stdout) as { name: string }[]).map((each) => [each.name, each]));
    expect(now.get('k8sAgent.config.agentId')).toMatchObject({ string: 'eu-1' });
    expect(now.get('api.replicaCount')).toMatchObject({ string: '2' });
    expect(now.get('commonLabels')).toMatchObject({ map: { team: 'a' } });
    expect(now.get('k8sAgent.resources')).toMatchObject({ string: expect.not.stringContaining('"cpu":"1"') as string });
  });

  it.each<[string, () => string, Record<string, string>, RegExp]>([
    [
      'F16 a broken cdk8s.yaml',
      () => project({ 'cdk8s.yaml': 'streamspace: {chart' }),
      {},
      /^cdk8s\.yaml: is no YAML: /,
    ],
    [
      'F16 a parameter without a name',
      working,
      { ARGOCD_APP_PARAMETERS: '[{"string":"3"}]' },
      /^ARGOCD_APP_PARAMETERS: parameter 1 has no name; name the value/,
    ],
    [
      'F16 a name that no release has',
      working,
      { ARGOCD_APP_NAME: 'Not_a_name' },
      /^release: Not_a_name is no name of a release/,
    ],
    [
      'F16 a name that is too long',
      working,
      { ARGOCD_APP_NAME: 'a'.repeat(54) },
      /^release: a+ is no name of a release/,
    ],
    [
      'values that can’t work',
      working,
      { ARGOCD_ENV_SET_k8sAgent__replicaCount: '3' },
      /^k8sAgent\.replicaCount: 3 replicas .* set k8sAgent\.ha\.enabled=true/,
    ],
    [
      'an unknown parameter',
      working,
      { ARGOCD_APP_PARAMETERS: '[{"name":"k8sAgent.replicas","string":"3"}]' },
      /did you mean k8sAgent\.replicaCount\?/,
    ],
    ['parameters that are no JSON', working, { ARGOCD_APP_PARAMETERS: '{' }, /ARGOCD_APP_PARAMETERS: is no JSON/],
    [
      'an empty render',
      working,
      { ARGOCD_ENV_VALUES: 'api: {enabled: false}\nk8sAgent: {enabled: false}' },
      /nothing to install/,
    ],
    [
      'a Lease',
      working,
      { ARGOCD_ENV_VALUES: 'k8sAgent: {ha: {enabled: true, createLease: true}}' },
      /Argo CD never syncs a Lease/,
    ],
    ['no namespace', working, { ARGOCD_APP_NAMESPACE: '' }, /ARGOCD_APP_NAMESPACE: is not set; name a namespace/],
    [
      'a chart that is not there',
      working,
      { ARGOCD_ENV_CHART: 'other' },
      /there is no other; known are chart, chart-k8s-agent/,
    ],
    [
      'a file that is not there',
      () => project({ 'cdk8s.yaml': 'streamspace: {values: [a.yaml]}' }),
      {},
      /a\.yaml: there is no such file/,
    ],
    [
      'a file outside of the repository',
      () => project({ 'cdk8s.yaml': 'streamspace: {values: [../../etc/passwd]}' }),
      {},
      /is outside of the repository/,
    ],
    [
      'a file by its full path',
      () => project({ 'cdk8s.yaml': 'streamspace: {values: [/etc/passwd]}' }),
      {},
      /is outside of the repository/,
    ],
    [
      'a link out of the repository',
      () => {
        const folder = project({ 'cdk8s.yaml': 'streamspace: {values: [a.yaml]}' });
        symlinkSync('/etc/hostname', join(folder, 'a.yaml'));
        return folder;
      },
      {},
      /leads out of the repository/,
    ],
    [
      'an unknown key of cdk8s.yaml',
      () => project({ 'cdk8s.yaml': 'streamspace: {vals: []}' }),
      {},
      /unknown key; known are chart, values, release/,
    ],
    ['somebody else’s cdk8s.yaml', () => project({ 'cdk8s.yaml': 'app: x' }), {}, /has no key `streamspace`/],
  ])('refuses %s in one line, and prints nothing', async (_what, folder, env, says) => {
    const { code, stdout, stderr } = await run('generate', folder(), env);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('takes files of a folder above, within the repository', async () => {
    const root = project({
      'deploy/eu/cdk8s.yaml': 'streamspace: {values: [../../values.yaml]}',
      'values.yaml': WORKS,
    });
    const { code, stderr } = await run('generate', join(root, 'deploy/eu'), { ARGOCD_APP_SOURCE_PATH: 'deploy/eu' });
    expect([code, stderr]).toEqual([0, '']);
  });
});
