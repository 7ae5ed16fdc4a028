import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { type ClusterSettings, kubernetesDriver } from '../../src/sessions/kubernetes/factory.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

describe.skipIf(missing !== undefined)(
  `kubernetes driver and what it is given${missing ? `: ${missing}` : ''}`,
  () => {
    const suite = leadersIn('settings');
    const { spec, op, leader, left } = suite;

    /** Access as who has exactly these rules in the suite's namespace. */
    const as = async (name: string, rules: readonly object[]) => {
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/settings';
      const accounts = '/api/v1/namespaces/settings/serviceaccounts';
      const post = (path: string, body: unknown) =>
        suite.place.client.raw<{ status: { token: string } }>('POST', path, body, 'application/json', soon());
      await post(accounts, { metadata: { name } });
      await post(`${rbac}/roles`, { metadata: { name }, rules });
      await post(`${rbac}/rolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'settings' }],
      });
      const { status } = await post(`${accounts}/${name}/token`, { spec: {} });
      return suite.place.kubeConfig(status.token);
    };
    /** What anybody was refused so far, by resource, as the API server counts it. */
    const refused = async (): Promise<Record<string, number>> => {
      const { server, headers, dispatcher } = await suite.place.client.connection.access();
      const text = await (await request(`${server}/metrics`, { headers, dispatcher })).body.text();
      const counts: Record<string, number> = {};
      for (const line of text.split('\n')) {
        const match = /^apiserver_request_total\{.*code="403".*resource="([^"]*)".*\} (\d+)$/.exec(line);
        if (match) counts[match[1]!] = (counts[match[1]!] ?? 0) + Number(match[2]);
      }
      return counts;
    };
    /** The rules that the charts give the agent in the sessions' namespace. */
    const shipped = async (): Promise<object[]> => {
      const text = await readFile(new URL('../../../manifests/single.yaml', import.meta.url), 'utf8');
      const roles = parseAllDocuments(text)
        .map((document) => document.toJS() as { kind: string; rules: { resources: string[] }[] } | null)
        .filter((object) => object?.kind === 'Role')
        .filter((role) => role!.rules.some(({ resources }) => resources.includes('persistentvolumeclaims')));
      expect(roles).toHaveLength(1);
      return roles[0]!.rules;
    };
    const mountTrouble = (pod: string, uid: string) => ({
      metadata: { name: `trouble-${uid}`, namespace: 'settings' },
      involvedObject: { kind: 'Pod', name: pod, namespace: 'settings', uid },
      type: 'Warning',
      reason: 'FailedMount',
      message: 'the disk is elsewhere',
    });

    it('runs with exactly the Role that the charts make, and is refused nothing but a look at the nodes', async () => {
      const kubeConfig = await as('shipped', await shipped());
      const before = await refused();
      const warm = { id: 'kiosk', template: 'kiosk', image: '', cpu: 0.1, memory: 1e8, storage: 1e9, warm: 1 };
      const { driver } = leader({ kubeConfig, warm: [{ ...warm, env: { STREAMSPACE_HOME: 'none' } }] });
      const one = spec();
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      expect(await driver.capacity(soon())).toMatchObject({ max_sessions: 100 });
      await driver.hibernate(one.id, op());
      await driver.wake(one.id, op());
      await driver.delete(one.id, { deleteHome: true }, op());
      expect(await left(one.id)).toEqual([]);
      const query = { labelSelector: 'warm=kiosk' };
      const warmPod = async () => (await suite.place.client.list('pods', query, soon())).items[0]?.metadata?.name;
      expect(await until(warmPod, soon())).toBeDefined();

      // its events are read: the kubelet says nothing in the pod itself
      suite.place.kubelet.fate = () => ({ phase: 'Pending' });
      const stuck = leader({ kubeConfig, startDeadline: 8_000 });
      const two = spec();
      const starting = stuck.driver.create(two, op());
      starting.catch(() => undefined);
      const uid = () =>
        suite.place.client.get('pods', sessionName(two.id), soon()).then(
          ({ metadata }) => metadata!.uid!,
          () => '',
        );
      await suite.place.client.create('events', mountTrouble(sessionName(two.id), await until(uid, soon())), soon());
      await expect(starting).rejects.toMatchObject({ message: expect.stringContaining('the disk is elsewhere') });

      const after = await refused();
      const news = Object.keys(after).filter((resource) => after[resource] !== (before[resource] ?? 0));
      expect(news.filter((resource) => resource !== 'nodes')).toEqual([]);
    });

    it('does without what it need not have: quotas and events', async () => {
      const verbs = ['get', 'list', 'watch', 'create', 'delete', 'patch'];
      const kubeConfig = await as('poor', [
        { apiGroups: [''], resources: ['pods', 'services', 'persistentvolumeclaims'], verbs },
      ]);
      const { driver } = leader({ kubeConfig, startDeadline: 3_000 });
      const one = spec();
      expect(await driver.create(one, op())).toEqual({ spec: one, state: 'running' });
      expect(await driver.capacity(soon())).toMatchObject({ max_sessions: 100 });
      const message = '0/2 nodes are available: 2 Insufficient cpu.';
      suite.place.kubelet.fate = () => ({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({ message: expect.stringContaining(message) });
    });

    /** A driver as the agent makes it of its configuration, with these settings, in a folder for their files; it is closed again. */
    const start = async (folder: string, changes: Partial<ClusterSettings>) => {
      const kubeconfig = join(folder, 'kubeconfig');
      await writeFile(kubeconfig, suite.place.server.kubeconfig('settings'));
      const { clock, log, ...given } = suite.place.options();
      const paths = { sessionPodTemplate: undefined, sessionWarmPool: undefined };
      const settings = { ...given, commandTimeout: 20_000, kubeconfig, ...paths, ...changes };
      return (await kubernetesDriver(settings, { clock, log })).close();
    };

    it('checks SESSION_WARM_POOL at the start', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pool-'));
      const sessionWarmPool = join(folder, 'templates.json');
      await writeFile(sessionWarmPool, JSON.stringify([{ id: 'desktop', warm: 1 }]));
      try {
        await expect(start(folder, { sessionWarmPool })).rejects.toMatchObject({ setting: 'SESSION_WARM_POOL' });
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it('checks SESSION_POD_TEMPLATE at the start, with the API server’s own words', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'template-'));
      const template = async (spec: string) => {
        const sessionPodTemplate = join(folder, 'pod.yaml');
        await writeFile(sessionPodTemplate, `apiVersion: v1\nkind: Pod\nspec: ${spec}\n`);
        return start(folder, { sessionPodTemplate });
      };
      try {
        await template('{ nodeSelector: { a: b } }');
        await expect(template('{ nodeSelektor: { a: b } }')).rejects.toMatchObject({
          setting: 'SESSION_POD_TEMPLATE',
          message: expect.stringMatching(/unknown field "spec\.nodeSelektor"/),
        });
        await expect(template('{ hostNetwork: true }')).rejects.toMatchObject({
          message: expect.stringMatching(/violates PodSecurity "restricted.*host namespaces/),
        });
        await expect(template('{ containers: [{ image: x }] }')).rejects.toMatchObject({
          message: expect.stringContaining('spec.containers[0].name: required'),
        });
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  },
  60_000,
);
