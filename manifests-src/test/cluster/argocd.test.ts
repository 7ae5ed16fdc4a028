import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildPrograms, PLUGIN } from '../../../ci/kind/images.ts';
import { type Cluster, loadPrograms, namespace, startCluster, whyNoCluster } from '../support/cluster.ts';
import { installMetrics } from '../support/metrics-server.ts';

// A real Argo CD. ARGOCD_TESTBED: a folder with `install CLUSTER` and `publish DIR NAME CLUSTER` (a git server in the cluster).
const testbed = process.env['ARGOCD_TESTBED'];
const why = (await whyNoCluster()) ?? (testbed === undefined ? 'ARGOCD_TESTBED is not set' : undefined);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const PATIENCE_MS = 300_000;

interface Status {
  readonly sync?: { readonly status: string };
  readonly health?: { readonly status: string };
  readonly reconciledAt?: string;
  readonly operationState?: { readonly phase: string; readonly finishedAt?: string };
  readonly conditions?: readonly { readonly type: string; readonly message: string }[];
  readonly resources?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly status?: string;
    readonly health?: { status: string; message?: string };
  }[];
}

describe.skipIf(why !== undefined)(`Argo CD on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;

  const status = async (name: string): Promise<Status> =>
    (JSON.parse(await cluster.kubectl('-n', 'argocd', 'get', 'application', name, '-o', 'json')) as { status?: Status })
      .status ?? {};
  const refresh = (name: string) =>
    cluster.kubectl('-n', 'argocd', 'annotate', 'application', name, 'argocd.argoproj.io/refresh=hard', '--overwrite');

  /** The Application's status once it is as wanted. */
  async function reached(name: string, wanted: (now: Status) => boolean): Promise<Status> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const now = await status(name);
      if (wanted(now)) return now;
      if (Date.now() > deadline) throw new Error(`${name} did not get there: ${JSON.stringify(now, null, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  const well = ({ sync, health }: Status) => sync?.status === 'Synced' && health?.status === 'Healthy';

  /** An example of argocd/applications, for the cluster's git server. */
  async function applyExample(
    file: string,
    where: string,
    change: (spec: { source: Record<string, unknown> }) => void = () => {},
    metadata: object = {},
  ): Promise<string> {
    const application = parse(readFileSync(`${root}argocd/applications/${file}`, 'utf8')) as {
      metadata: { name: string };
      spec: { source: Record<string, unknown>; destination: { namespace: string } };
    };
    application.spec.source['repoURL'] = 'git://git.argocd.svc/streamspace.git';
    application.spec.destination.namespace = where;
    change(application.spec);
    Object.assign(application.metadata, metadata);
    await cluster.apply(application);
    return application.metadata.name;
  }

  beforeAll(async () => {
    cluster = await startCluster();
    await loadPrograms(cluster);
    await cluster.load('valkey/valkey:8.1', 'node:24-bookworm-slim');
    await cluster.exec([join(testbed!, 'install'), cluster.name]);
    await installMetrics(cluster);

    await buildPrograms(['argocd-plugin']);
    await cluster.load(PLUGIN);
    // what the argo-cd chart makes of the fragment
    const fragment = parse(readFileSync(`${root}argocd/argo-cd-values.yaml`, 'utf8')) as {
      repoServer: { extraContainers: object[]; volumes: object[] };
    };
    const patch = {
      spec: {
        template: { spec: { containers: fragment.repoServer.extraContainers, volumes: fragment.repoServer.volumes } },
      },
    };
    await cluster.kubectl(
      '-n',
      'argocd',
      'patch',
      'deployment',
      'argocd-repo-server',
      '--patch',
      JSON.stringify(patch),
    );
    // a cluster that was kept may run the plugin of an earlier build under the same name
    await cluster.kubectl('-n', 'argocd', 'rollout', 'restart', 'deployment/argocd-repo-server');
    await cluster.kubectl('-n', 'argocd', 'rollout', 'status', 'deployment/argocd-repo-server', '--timeout=180s');

    const repository = join(cluster.folder, 'repository');
    mkdirSync(repository);
    for (const part of ['chart', 'manifests', 'test-values', 'cdk8s.yaml'])
      cpSync(`${root}${part}`, join(repository, part), { recursive: true });
    await cluster.exec([join(testbed!, 'publish'), repository, 'streamspace', cluster.name]);

    for (const where of ['streamspace', 'by-chart', 'by-plugin']) {
      await cluster.apply(namespace(where, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    }
  });

  afterAll(() => cluster?.delete());

  // first: the others' replicas may take all that the node has to give
  it('F1 a namespace for sessions comes before what lies in it, and stays with the homes when its Application goes', async () => {
    const sessions = ['-n', 'own-sessions'];
    const withSessions = (create: boolean) =>
      applyExample(
        'chart.yaml',
        'own',
        ({ source }) => {
          source['helm'] = {
            releaseName: 'own',
            valuesObject: {
              argocd: { syncWaves: true },
              redis: { enabled: false },
              k8sAgent: { config: { namespace: 'own-sessions' }, sessionNamespace: { create } },
            },
          };
        },
        // whoever deletes it takes with it what it made
        { name: 'own', finalizers: ['resources-finalizer.argocd.argoproj.io'] },
      );
    // of a cluster that was kept: what is there already is not made. (The engine of Argo CD 3.2 puts a namespace before what lies in it by itself; where it does not, all
    // hangs on the waves, which the unit tests hold.)
    await cluster.kubectl('delete', 'namespace', 'own', 'own-sessions', '--ignore-not-found', '--timeout=120s');
    await withSessions(true);
    const made = await reached('own', well);
    expect(made.resources).toContainEqual(expect.objectContaining({ kind: 'Namespace', name: 'own-sessions' }));
    expect(await cluster.kubectl(...sessions, 'get', 'role', '-o', 'name')).toContain('k8s-agent');
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'home', namespace: 'own-sessions' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    });
    const uid = ['get', 'namespace', 'own-sessions', '-o', 'jsonpath={.metadata.uid} {.status.phase}'];
    const before = await cluster.kubectl(...uid);

    // a release that makes it no more: what is pruned is not it
    await withSessions(false);
    await reached(
      'own',
      ({ operationState: now }) => now?.phase === 'Succeeded' && now.finishedAt !== made.operationState?.finishedAt,
    );
    expect(await cluster.kubectl(...uid)).toBe(before);

    await cluster.kubectl('-n', 'argocd', 'delete', 'application', 'own', '--timeout=120s');
    expect(await cluster.kubectl(...sessions, 'get', 'role', '-o', 'name')).toBe('');
    expect(await cluster.kubectl(...uid)).toBe(before);
    expect(
      await cluster.kubectl(...sessions, 'get', 'pvc', 'home', '-o', 'jsonpath={.metadata.deletionTimestamp}'),
    ).toBe('');
  });

  it.each([
    ['plain.yaml', 'streamspace', 'the plain manifests'],
    ['chart.yaml', 'by-chart', 'the chart, with the autoscaler on'],
    ['plugin.yaml', 'by-plugin', 'the plugin, with the autoscaler on'],
  ])('%s in %s: %s, Synced and Healthy, and stays so', async (file, where) => {
    const name = await applyExample(file, where);
    const first = await reached(name, well);
    expect(first.conditions ?? []).toEqual([]);
    expect(first.resources!.length).toBeGreaterThan(10);
    // rendered again: nothing differs
    await refresh(name);
    const again = await reached(name, (now) => now.reconciledAt !== first.reconciledAt);
    expect([again.sync?.status, again.health?.status]).toEqual(['Synced', 'Healthy']);
    // part 2: made in the cluster, and no difference to Argo CD, which leaves them when it syncs again
    const made = ['-n', where, 'get', 'secret', 'streamspace-api-auth', 'streamspace-enrolment', '-o'];
    const before = await cluster.kubectl(...made, 'jsonpath={.items[*].data}');
    expect(before).toMatch(/^\{"jwt-secret":"\w+=*"\} \{"token":"\w+=*"\}$/);
    const sync = JSON.stringify({ operation: { sync: {} } });
    await cluster.kubectl('-n', 'argocd', 'patch', 'application', name, '--type=merge', '-p', sync);
    await reached(
      name,
      (now) =>
        now.operationState?.phase === 'Succeeded' && now.operationState.finishedAt !== first.operationState?.finishedAt,
    );
    expect(await cluster.kubectl(...made, 'jsonpath={.items[*].data}')).toBe(before);
  });

  it('the autoscaler’s number of replicas is left alone', async () => {
    await cluster.kubectl(
      '-n',
      'by-chart',
      'patch',
      'hpa',
      'streamspace-api',
      '--type=merge',
      '-p',
      '{"spec":{"minReplicas":2}}',
    );
    await cluster.kubectl('-n', 'by-chart', 'scale', 'deployment/streamspace-api', '--replicas=3');
    const before = await status('streamspace-chart');
    await refresh('streamspace-chart');
    const now = await reached('streamspace-chart', ({ reconciledAt }) => reconciledAt !== before.reconciledAt);
    expect(now.sync?.status).toBe('Synced');
  });

  it.each([
    [
      'plugin.yaml',
      'by-plugin',
      (source: Record<string, unknown>) => {
        const plugin = source['plugin'] as { parameters: object[] };
        plugin.parameters = [{ name: 'k8sAgent.ha.enabled', string: 'false' }];
      },
    ],
    [
      'chart.yaml',
      'by-chart',
      (source: Record<string, unknown>) => {
        (source['helm'] as Record<string, unknown>)['parameters'] = [{ name: 'k8sAgent.ha.enabled', value: 'false' }];
      },
    ],
  ] as const)('%s: a broken value shows its reason in the Application', async (file, where, spoil) => {
    const name = await applyExample(file, where, ({ source }) => spoil(source));
    const broken = await reached(name, ({ conditions }) =>
      (conditions ?? []).some(({ type }) => type === 'ComparisonError'),
    );
    expect(broken.conditions!.map(({ message }) => message).join('\n')).toContain(
      'k8sAgent.replicaCount: 2 replicas of one agent evict each other',
    );
  });
});
