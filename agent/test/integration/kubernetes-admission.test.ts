import type { V1Pod } from '@kubernetes/client-node';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { Connection, KubeClient } from 'kube-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { podFor, warmPodFor } from '../../src/sessions/kubernetes/objects/pod.ts';
import { checkPodTemplate } from '../../src/sessions/kubernetes/pod-template.ts';
import type { PodTemplate, SessionObjectsConfig } from '../../src/sessions/kubernetes/objects/settings.ts';
import { ALLOWED, changed, FORBIDDEN, pathOf, rendered, templateOfCase } from './kubernetes-admission.ts';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();
const SESSIONS = 'sessions';

describe.skipIf(missing !== undefined)(
  `S4 the pods that an agent may make, by the chart’s admission policy${missing ? `: ${missing}` : ''}`,
  () => {
    // without Pod Security, so that nothing but the policy refuses
    const suite = leadersIn(SESSIONS, { labels: {}, flags: ['--allow-privileged=true'] });
    let template: PodTemplate;
    let agent: KubeClient;
    let admin: KubeClient;
    let end: () => Promise<void>;
    let token: string;

    const post = <T>(client: KubeClient, path: string, body: unknown) =>
      client.raw<T>('POST', path, body, 'application/json', soon());
    const install = async (...kinds: string[]) => {
      for (const object of await rendered(...kinds)) await post(admin, pathOf(object), object);
    };
    const config = (podTemplate?: PodTemplate): SessionObjectsConfig => ({
      ...suite.place.options(),
      namespace: SESSIONS,
      sessionImagePullSecrets: 'registry',
      podTemplate,
    });
    const sessionPod = (podTemplate?: PodTemplate, env: Record<string, string> = {}): V1Pod => {
      const spec = suite.spec({ env });
      const uid = '00000000-0000-0000-0000-000000000000';
      return podFor({ spec, uid, commandId: 'c', term: 1, pod: sessionName(spec.id) }, config(podTemplate));
    };
    const warmPod = (podTemplate?: PodTemplate): V1Pod =>
      warmPodFor(suite.spec({ env: { STREAMSPACE_HOME: 'none' } }), 'warm-1', config(podTemplate));
    const tried = (client: KubeClient, pod: V1Pod): Promise<string> =>
      client.create('pods', pod, soon(), { dryRun: 'All', fieldValidation: 'Strict' }).then(
        () => 'taken',
        (error: Error) => error.message,
      );

    beforeAll(async () => {
      template = await templateOfCase();
      admin = suite.place.client;
      await post(admin, '/api/v1/namespaces', { metadata: { name: 'streamspace' } });
      await install('ServiceAccount', 'Role', 'RoleBinding');
      const accounts = '/api/v1/namespaces/streamspace/serviceaccounts';
      const answer = await post<{ status: { token: string } }>(admin, `${accounts}/streamspace-k8s-agent/token`, {
        spec: {},
      });
      token = answer.status.token;
      const connection = new Connection(suite.place.kubeConfig(token), systemClock, 'test');
      agent = new KubeClient(connection, SESSIONS, systemClock);
      end = () => connection.close();
    }, 120_000);
    afterAll(() => end?.());

    it('without it, the agent’s Role mounts any Secret and takes the node', async () => {
      for (const [what, change] of FORBIDDEN)
        expect([what, await tried(agent, change(sessionPod()))]).toEqual([what, 'taken']);
    });

    describe('with it', () => {
      beforeAll(async () => {
        await install('ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding');
        // the API server reads policies a moment later
        const [, foreign] = FORBIDDEN[0]!;
        await until(async () => (await tried(agent, foreign(sessionPod()))) !== 'taken', soon());
      }, 60_000);

      it.each(FORBIDDEN)('%s is refused', async (_what, change, field) => {
        const said = await tried(agent, change(sessionPod(template)));
        expect(said).toContain("ValidatingAdmissionPolicy 'streamspace.streamspace-k8s-agent'");
        expect(said).toContain(`denied request: ${field}`);
      });

      it.each(ALLOWED)('%s is taken', async (_what, change) => {
        expect(await tried(agent, change(sessionPod(template)))).toBe('taken');
      });

      it('sessions and pods kept warm are taken, with the template and without', async () => {
        for (const podTemplate of [undefined, template]) {
          expect(await tried(agent, sessionPod(podTemplate))).toBe('taken');
          expect(await tried(agent, sessionPod(podTemplate, { STREAMSPACE_HOME: 'none' }))).toBe('taken');
          expect(await tried(agent, warmPod(podTemplate))).toBe('taken');
        }
      });

      it('others make what they may make', async () => {
        for (const [what, change] of FORBIDDEN)
          expect([what, await tried(admin, change(sessionPod()))]).toEqual([what, 'taken']);
      });

      it('a pod of somebody else that has a Secret is not the agent’s to change', async () => {
        const pod = (name: string, change = (same: V1Pod) => same): V1Pod => {
          return changed(change(sessionPod()), { metadata: { name, namespace: SESSIONS } });
        };
        const mark = (name: string) =>
          agent.raw<V1Pod>(
            'PATCH',
            agent.path('pods', name),
            { metadata: { labels: { mark: 'yes' } } },
            'application/merge-patch+json',
            soon(),
          );
        await admin.create('pods', pod('theirs', FORBIDDEN[0]![1]), soon());
        await expect(mark('theirs')).rejects.toThrow('denied request: spec.volumes[].secret:');
        await agent.create('pods', pod('ours'), soon());
        expect((await mark('ours')).metadata!.labels).toEqual({ mark: 'yes' });
      });

      it('a container added to a running pod is looked at too', async () => {
        const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${SESSIONS}`;
        const name = 'debug';
        const rules = [{ apiGroups: [''], resources: ['pods/ephemeralcontainers'], verbs: ['patch'] }];
        await post(admin, `${rbac}/roles`, { metadata: { name }, rules });
        await post(admin, `${rbac}/rolebindings`, {
          metadata: { name },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
          subjects: [{ kind: 'ServiceAccount', name: 'streamspace-k8s-agent', namespace: 'streamspace' }],
        });
        const pod = await agent.create('pods', sessionPod(template), soon());
        const add = (container: object) =>
          agent.raw<V1Pod>(
            'PATCH',
            `${agent.path('pods', pod.metadata!.name!)}/ephemeralcontainers`,
            { spec: { ephemeralContainers: [{ name: 'shell', image: 'a', ...container }] } },
            'application/strategic-merge-patch+json',
            soon(),
          );
        const securityContext = { allowPrivilegeEscalation: false };
        const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'foreign', key: 'a' } } }];
        await expect(add({ securityContext, env })).rejects.toThrow(
          'denied request: spec.containers[].env[].valueFrom.secretKeyRef:',
        );
        await expect(add({ securityContext: { privileged: true } })).rejects.toThrow(
          'denied request: spec.containers[].securityContext.privileged:',
        );
        expect((await add({ securityContext })).spec!.ephemeralContainers).toHaveLength(1);
      });

      it('what it refuses is the reason of a session, and of an agent that does not start with such a template', async () => {
        const refused = { spec: { hostNetwork: true } };
        await expect(checkPodTemplate(agent, config(refused), 'pod.yaml', soon())).rejects.toThrow(
          /pod\.yaml: .*denied request: spec\.hostNetwork: must not be true/,
        );
        const { driver } = suite.leader({ kubeConfig: suite.place.kubeConfig(token), podTemplate: refused });
        await expect(driver.create(suite.spec(), suite.op())).rejects.toThrow('spec.hostNetwork: must not be true');
      });

      it('an agent with these rights alone runs a session from its start to its end', async () => {
        const { driver, news } = suite.leader({
          kubeConfig: suite.place.kubeConfig(token),
          podTemplate: template,
          sessionImagePullSecrets: 'registry',
        });
        const spec = suite.spec();
        expect(await driver.create(spec, suite.op())).toMatchObject({ state: 'running' });
        expect(news.filter(({ status }) => status?.state === 'failed')).toEqual([]);
        await driver.hibernate(spec.id, suite.op());
        expect(await driver.wake(spec.id, suite.op())).toMatchObject({ state: 'running' });
        await driver.delete(spec.id, { deleteHome: true }, suite.op());
        expect(await agent.list('pods', { labelSelector: `session=${spec.id}` }, soon())).toMatchObject({ items: [] });
      });
    });
  },
);
