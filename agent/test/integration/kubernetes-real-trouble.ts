import type { SessionSpec, SessionStatus } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesDriver } from '../../src/sessions/kubernetes/driver.ts';
import type { KubernetesDriverOptions } from '../../src/sessions/kubernetes/options.ts';
import { sessionName } from '../../src/sessions/kubernetes/objects/names.ts';
import { homeName } from '../../src/sessions/core/names.ts';
import { HOME_ANEW } from '../../src/sessions/kubernetes/operations/homes.ts';
import { fastClock } from './kubernetes-clock.ts';
import { type ClusterPlace, clusterPlace, type SessionCluster } from './kubernetes-cluster.ts';
import { TestCommands } from './kubernetes-commands.ts';
import { until } from './kubernetes-place.ts';
import { DEAF, ECHO, MUTE, NO_HOME } from './kubernetes-programs.ts';

const soon = (ms = 120_000) => AbortSignal.timeout(ms);
const NAMESPACE = 'trouble';
const FINALIZER = 'test.example/hold';

/** What the cluster's own controllers, webhooks and kubelet do to sessions. */
export function realTrouble(cluster: () => SessionCluster): void {
  describe('sessions in trouble', () => {
    let place: ClusterPlace;
    let count = 0;
    const stop = new AbortController();
    beforeAll(async () => {
      place = await clusterPlace(cluster(), NAMESPACE, 'port-forward');
    }, 150_000);
    afterAll(async () => {
      stop.abort();
      await place?.cleanup();
    });
    const spec = (changes: Partial<SessionSpec> = {}): SessionSpec => {
      const id = `trouble-${count++}`;
      const base = { id, user: id, template: 'desktop', name: '', cpu: 0.01, memory: 3e7, storage: 1e7, image: '' };
      return { ...base, env: NO_HOME, created_at: '2026-01-31T12:00:00.000Z', ...changes };
    };
    const op = () => ({ commandId: `command-${count++}`, term: 1, signal: soon() });
    const leader = (changes: Partial<KubernetesDriverOptions> = {}) => {
      const driver: KubernetesDriver = place.makeDriver({ podTemplate: ECHO, ...changes });
      const news: { id: string; status: SessionStatus | undefined }[] = [];
      void driver.watch((id, status) => news.push({ id, status }), stop.signal);
      return {
        driver,
        news,
        told: (id: string, words: RegExp) =>
          until(async () => news.some((each) => each.id === id && words.test(each.status?.reason ?? '')), soon()),
      };
    };
    const kubectl = (...args: string[]) => cluster().kubectl('-n', NAMESPACE, ...args);
    const there = async (id: string) =>
      (await place.client.list('pods', { labelSelector: `session=${id}` }, soon())).items;

    it('K2 a delete that a finalizer holds up runs into its limit, is told, and ends when the finalizer goes', async () => {
      const { driver, news, told } = leader({ clock: fastClock(5), startDeadline: 300_000 });
      const commands = new TestCommands(driver, { concurrency: 2, timeout: 4_000 });
      const one = spec();
      await driver.create(one, op());
      const pod = sessionName(one.id);
      kubectl('patch', 'pod', pod, '-p', JSON.stringify({ metadata: { finalizers: [FINALIZER] } }));
      commands.delete(one.id);
      await until(async () => commands.results.has(`delete-${one.id}`), soon());
      expect(commands.results.get(`delete-${one.id}`)).toBe('command_timeout');
      await told(one.id, new RegExp(`is being deleted: its pod ${pod} has the finalizers ${FINALIZER}`));
      kubectl('patch', 'pod', pod, '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]');
      await until(async () => news.some(({ id, status }) => id === one.id && status === undefined), soon());
      expect(await there(one.id)).toEqual([]);
      expect((await driver.list(soon())).map(({ spec: { id } }) => id)).not.toContain(one.id);
    });

    it('K7 a claim deleted in use: who waits for the home says so, who gets a new one says so, after a sleep, too', async () => {
      const { driver, told } = leader();
      const ada = { user: 'ada', env: {} };
      const [one, two] = [spec(ada), spec(ada)];
      const remove = () => kubectl('delete', 'pvc', homeName(one), '--wait=false');
      await driver.create(one, op());
      remove();
      const creating = driver.create(two, op());
      await told(two.id, new RegExp(`is being deleted.*pod ${sessionName(one.id)} still uses it`));
      await driver.hibernate(one.id, op());
      expect(await creating).toEqual({ spec: two, state: 'running', reason: HOME_ANEW });
      remove();
      await driver.hibernate(two.id, op());
      expect(await driver.wake(two.id, op())).toEqual({ spec: two, state: 'running', reason: HOME_ANEW });
      for (const { id } of [one, two]) await driver.delete(id, { deleteHome: true }, op());
    });

    /** A webhook for this namespace's pods, at that address, in force. */
    const webhook = async (url: string): Promise<void> => {
      const hook = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: NAMESPACE },
        webhooks: [
          {
            name: 'policy.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Fail',
            timeoutSeconds: 2,
            clientConfig: { url },
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } },
            rules: [
              { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods', 'configmaps'] },
            ],
          },
        ],
      };
      const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
      await place.client.raw('POST', path, hook, 'application/json', soon());
      // the API server reads its webhooks from a cache of its own
      const refused = async () => {
        try {
          kubectl('create', 'configmap', 'probe', '--dry-run=server');
          return false;
        } catch (error) {
          return String(error).includes('failed calling webhook');
        }
      };
      await until(refused, soon());
    };

    it.for(['hangs', 'is down'])('K4 a webhook that %s is the reason, and a delete aborts the create', async (how) => {
      const { driver, told } = leader({ startDeadline: 120_000 });
      const server = spec();
      await place.makeDriver({ podTemplate: MUTE }).create(server, op());
      const address = kubectl('get', 'pod', sessionName(server.id), '-o', 'jsonpath={.status.podIP}');
      const commands = new TestCommands(driver, { concurrency: 1, timeout: 100_000 });
      const [kept, deleted] = [spec(), spec()];
      try {
        // nothing listens at port 1
        await webhook(`https://${address}:${how === 'hangs' ? 5900 : 1}/`);
        for (const each of [kept, deleted]) commands.create(each);
        for (const { id } of [kept, deleted]) await told(id, /failed calling webhook "policy\.example\.com"/);
        expect(driver.trouble).toMatch(/failed calling webhook/);
        commands.delete(deleted.id);
        await until(async () => commands.results.size === 2, soon());
        expect(Object.fromEntries(commands.results)).toEqual({
          [`create-${deleted.id}`]: 'command_aborted',
          [`delete-${deleted.id}`]: 'done',
        });
      } finally {
        kubectl('delete', 'validatingwebhookconfiguration', NAMESPACE, '--ignore-not-found');
      }
      await until(async () => commands.results.size === 3, soon());
      expect(commands.results.get(`create-${kept.id}`)).toBe('done');
      expect(driver.trouble).toBeUndefined();
      expect(await there(deleted.id)).toEqual([]);
      for (const { id } of [kept, server]) await driver.delete(id, { deleteHome: false }, op());
    });

    it('K6 a program without a VNC port fails for that', async () => {
      const { driver } = leader({ podTemplate: DEAF, startDeadline: 20_000 });
      await expect(driver.create(spec(), op())).rejects.toMatchObject({
        code: 'driver_failed',
        message: 'Not started within 20 s: The program runs, its screen does not answer yet on port 5900',
      });
    });

    it('K6 when a quota is removed, sessions are accepted', async () => {
      const { driver } = leader();
      kubectl('create', 'quota', 'none', '--hard=count/pods=0');
      await until(
        async () => kubectl('get', 'quota', 'none', '-o', 'jsonpath={.status.hard}').includes('count/pods'),
        soon(),
      );
      const one = spec();
      await expect(driver.create(one, op())).rejects.toMatchObject({
        code: 'at_capacity',
        message: expect.stringMatching(/quota none.*count\/pods=0/),
      });
      const room = async () => (await driver.capacity(soon())).max_sessions > 0;
      await until(async () => !(await room()), soon());
      kubectl('delete', 'quota', 'none');
      expect(await driver.wake(one.id, op())).toEqual({ spec: one, state: 'running' });
      await until(room, soon());
    });
  });
}
