import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeApiserver, kubeApiserverMissing } from '@streamspace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASES } from '../support/bases.ts';
import { asciiOf } from '../support/charts.ts';
import { INSTALL, TOKEN } from '../support/guide.ts';
import { MORE, OPERATIONS } from '../support/guide-operations.ts';
import type { Line } from '../support/line.ts';
import { REPORT } from '../support/report.ts';
import { Shell } from '../support/shell.ts';
import { onPath } from '../support/tools.ts';

const missing = ['helm', 'kubectl'].filter((tool) => onPath(tool) === undefined);
const why = kubeApiserverMissing() ?? (missing.length === 0 ? undefined : `${missing.join(' and ')} not on PATH`);
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Lines that look at pods, wait for controllers, or go to other hosts: no kubelet, no controller and no hub runs here (cluster/guide.ts has them). */
const elsewhere = ({ type, follows }: Line) =>
  follows === true ||
  /kubectl (logs|top|delete pod|get (pods|lease|storageclass)|describe (pod|resourcequota))|rollout status|curl |helm repo /.test(
    type,
  );
const here = (lines: readonly Line[]) =>
  lines.filter((line) => !elsewhere(line)).map((line) => [line.type.replace(/^cat[^]*?\nEOF\n/, ''), line] as const);

// The lines of the agent's guide and of the HA report as they are typed, at a real API server, one after the other.
describe.skipIf(why !== undefined)(`guide: lines at an API server${why === undefined ? '' : ` (${why})`}`, () => {
  const home = mkdtempSync(join(tmpdir(), 'guide-'));
  let kube: KubeApiserver;
  let shell: Shell;

  beforeAll(async () => {
    kube = await KubeApiserver.start();
    mkdirSync(join(home, '.kube'));
    for (const name of ['config', 'config-us-east', 'config-eu-west'])
      writeFileSync(join(home, '.kube', name), kube.kubeconfig('streamspace'), { mode: 0o600 });
    cpSync(`${root}chart`, join(home, 'chart'), { recursive: true });
    mkdirSync(join(home, 'streamspace'));
    cpSync(`${root}chart-k8s-agent`, join(home, 'streamspace', 'k8s-agent'), { recursive: true });
    // what the lines leave out: the hub's secrets and its agent's id, and where the token of an agent alone is
    const { k8sAgent: _id, ...secrets } = BASES['streamspace']!;
    writeFileSync(
      join(home, 'hub.json'),
      asciiOf({ ...secrets, k8sAgent: { config: { agentId: 'k8s-prod-cluster' } } }),
    );
    const token = { existingSecret: { name: 'streamspace-k8s-agent-token' } };
    writeFileSync(join(home, 'agent.json'), asciiOf({ enrolment: token }));
    const given = (values: string) => `command helm "$@" --values ${join(home, values)}`;
    const before = `helm() { case "$*" in install*streamspace/k8s-agent*) ${given('agent.json')};; *./chart*) ${given('hub.json')};; *) command helm "$@";; esac; }`;
    const env = { ...process.env, HOME: home, KUBECONFIG: join(home, '.kube', 'config') };
    shell = new Shell(home, env, before);
    for (const namespace of ['streamspace', 'tenant-a', 'tenant-b'])
      await shell.run(`kubectl create namespace ${namespace}`);
  });

  afterAll(async () => {
    await kube?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const run = async ({ type, shows = /^/ }: Line) => expect(await shell.run(type), type).toMatch(shows);

  describe('the report, with the umbrella chart', () => {
    beforeAll(() => shell.run('helm install streamspace ./chart -n streamspace'));
    it.each(here(REPORT))('%s', (_title, line) => run(line));
    it('the agent is elected among three replicas', async () => {
      const path = '{.spec.replicas} {.spec.template.spec.containers[0].env[?(@.name=="ENABLE_HA")].value}';
      // scaled to one by the last line
      expect(await shell.run(`kubectl get deployment streamspace-k8s-agent -o jsonpath='${path}'`)).toBe('1 true');
    });
    it('an upgrade after that, by Helm 4 with leave to overwrite', async () => {
      const leave = (await shell.run('helm version --short')).startsWith('v4') ? '--force-conflicts' : '';
      const upgrade = 'helm upgrade streamspace ./chart --set k8sAgent.replicaCount=3 --set k8sAgent.ha.enabled=true';
      if (leave !== '')
        await expect(shell.run(upgrade)).rejects.toThrow(/conflict with "kubectl" with subresource "scale"/);
      expect(await shell.run(`${upgrade} ${leave}`)).toMatch(/STATUS: deployed/);
    });
    afterAll(() => shell.run('helm uninstall streamspace -n streamspace'));
  });

  describe('the guide, an agent alone', () => {
    it(TOKEN, async () => expect(await shell.run(TOKEN)).toMatch(/secret\/streamspace-k8s-agent-token created/));
    it.each(here([...INSTALL, ...OPERATIONS]))('%s', (_title, line) => run(line));
    it('what was set is set, in the one container', async () => {
      const path =
        '{.spec.template.spec.containers[*].name} {.spec.template.spec.containers[0].resources.limits.memory} {.spec.template.spec.containers[0].env[?(@.name=="MAX_SESSIONS")].value}';
      expect(await shell.run(`kubectl get deployment streamspace-k8s-agent -o jsonpath='${path}'`)).toBe(
        'agent 2Gi 50',
      );
    });
    it.each(here(MORE))('%s', (_title, line) => run(line));
  });
});
