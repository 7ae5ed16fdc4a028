// Runs the documented operations: the commands are taken from the pages.
// Argo CD's are in manifests-src/test/cluster/argocd.test.ts.
import { existsSync, rmSync } from 'node:fs';
import type { Agent, Command, Session } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { whyNoKind } from '../../ci/kind/host.ts';
import { root } from '../support/docs.ts';
import { until } from '../support/until.ts';
import { Installed } from './installed.ts';

const why = await whyNoKind();

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints?: readonly { readonly targetPort: string }[];
    readonly podMetricsEndpoints?: readonly { readonly port: string }[];
  };
}
const objectsIn = (text: string): KubeObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJSON() as KubeObject | null)
    .filter((object) => object !== null);

describe.skipIf(why !== undefined)(`operations by hand on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let at: Installed;
  /** A session that exists from the first upgrade to the drain. */
  let kept: Session | undefined;
  const running = async (): Promise<Session> => at.reached((kept ??= await at.session('ha')).id, 'running');

  beforeAll(async () => {
    at = await Installed.make();
  });
  afterAll(async () => {
    for (const file of ['rendered.yaml', 'backup.rdb']) rmSync(root + file, { force: true });
    await at?.close();
  });

  it('helm upgrade --install', async () => {
    await at.run('docs/operations.md#upgrade');
    expect(await at.replicas('streamspace-api')).toBe('3/3');
    expect(await at.replicas('streamspace-k8s-agent')).toBe('3/3');
  });

  it('an upgrade that changes values; an admin’s token by hand', async () => {
    await at.run('docs/multi-agent.md#tokens');
    await at.run('docs/operations.md#change');
    await at.signIn();
    await at.connected('ha');
    expect(await at.shows((await running()).id)).toBeGreaterThanOrEqual(0);
  });

  it('helm test', async () => {
    expect(await at.run('docs/operations.md#helm-test')).toMatch(/Phase:\s+Succeeded/);
  });

  it('port-forward of the agent’s Service, and a scrape', async () => {
    const metrics = await at.run('docs/operations.md#scrape');
    const told = new Set([...metrics.matchAll(/^# TYPE streamspace_agent_(\w+)/gm)].map(([, name]) => name));
    const wanted =
      'sessions_active uptime_seconds heartbeat_last_success_timestamp vnc_tunnels_active command_duration_seconds is_leader leader_term election_duration_seconds failover_duration_seconds leader_transitions_total lease_renew_duration_seconds leadership_last_loss_timestamp';
    expect(wanted.split(' ').filter((name) => !told.has(name))).toEqual([]);
  });

  it('S12 the hub’s metrics, which its Service does not have', async () => {
    expect(await at.run('docs/operations.md#scrape-hub')).toContain('streamspace_hub_store_up 1');
  });

  it('ServiceMonitor and PodMonitor select pods that serve what they name', async () => {
    const objects = objectsIn(await at.run('docs/operations.md#monitors'));
    expect(objects.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['ServiceMonitor', 'PodMonitor', 'PrometheusRule', 'ConfigMap']),
    );
    const spec = (kind: string) => objects.find((object) => object.kind === kind)!.spec;
    /** A line for each of what the monitor selects: its name, and those of its ports. */
    const selected = async (what: string, kind: string, ports: string) => {
      const labels = Object.entries(spec(kind).selector.matchLabels).map((pair) => pair.join('='));
      const columns = `custom-columns=NAME:.metadata.name,PORTS:${ports}`;
      const lines = await at.kubectl('-n', 'streamspace', 'get', what, '-l', labels.join(','), '-o', columns);
      return lines.trim().split('\n').slice(1);
    };
    // the Service's selector has the pods, whose port is named: the Service itself has none for metrics
    expect(await selected('services', 'ServiceMonitor', '.spec.ports[*].name')).toEqual([
      expect.stringMatching(/^streamspace-api\s+http$/),
    ]);
    const hubs = await at.kubectl(
      '-n',
      'streamspace',
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/component=api',
      '-o',
      'jsonpath={range .items[*]}{.spec.containers[*].ports[*].name}{"\\n"}{end}',
    );
    for (const ports of hubs.trim().split('\n'))
      expect(ports.split(' ')).toContain(spec('ServiceMonitor').endpoints![0]!.targetPort);
    const pods = await selected('pods', 'PodMonitor', '.spec.containers[*].ports[*].name');
    expect(pods).toHaveLength(3);
    for (const pod of pods)
      expect(pod.split(/\s+/)[1]!.split(',')).toContain(spec('PodMonitor').podMetricsEndpoints![0]!.port);
  });

  it('who leads: Lease, its events, the timeline', async () => {
    const { leader } = await at.connected('ha');
    const printed = await at.run('docs/operations.md#who-leads');
    expect(printed.split('\n')[0]).toContain(leader!);
    expect(printed).toContain('agent.registered');
  });

  it('replicas are kept apart', async () => {
    // two nodes take pods
    const nodes = await until(
      'three replicas',
      async () => {
        const lines = (await at.run('docs/operations.md#spread')).trim().split('\n').slice(1);
        return lines.length === 3 && new Set(lines.map((line) => line.split(/\s+/)[1]));
      },
      90_000,
    );
    expect(nodes.size).toBe(2);
  });

  it('the agent’s environment, and the rights of both accounts', async () => {
    expect(await at.run('docs/configuration.md#environment')).toMatch(/^AGENT_ID=ha$/m);
    const rights = await at.run('docs/security.md#rights');
    expect(rights).toMatch(/^pods\s.*\[get list watch create delete patch\]/m);
    expect(rights).toMatch(/^leases\.coordination\.k8s\.io\s.*\[get list watch create update patch delete\]/m);
    expect(rights).not.toMatch(/^(secrets|nodes|\*\.\*)\s/m);
  });

  it('rollout restart: the session and its screen survive', async () => {
    const { id } = await running();
    const pod = ['-n', 'streamspace', 'get', 'pod', `session-${id}`, '-o', 'jsonpath={.metadata.uid}'];
    const [before, uid] = [await at.shows(id), await at.kubectl(...pod)];
    await at.run('docs/operations.md#restart');
    await at.connected('ha');
    expect(await at.shows(id)).toBeGreaterThan(before);
    expect(await at.kubectl(...pod)).toBe(uid);
    expect((await running()).state).toBe('running');
  });

  it('a credential is rotated without a disconnect', async () => {
    const before = await at.connected('ha');
    await at.run('docs/operations.md#rotate');
    const now = await at.agent('ha');
    expect([now.connected, now.connected_since, now.term]).toEqual([true, before.connected_since, before.term]);
  });

  it('drain: no new session, and why; wait, scale to 0, back', async () => {
    const { id, template } = await running();
    await at.run('docs/operations.md#drain');
    const refused = await at.api<{ error: { code: string; message: string } }>('POST', '/sessions', { template });
    expect([refused.status, refused.body.error.code]).toEqual([503, 'no_placement']);
    expect(refused.body.error.message).toContain('1 agent known, none online (1 being drained)');
    expect((await running()).state).toBe('running');

    const waited = at.run('docs/operations.md#drain-wait');
    await at.delete(id);
    await waited;
    await until('the hub has seen it go', async () => !(await at.agent('ha')).connected);
    const { body: list } = await at.api<Command>('POST', '/agents/ha/list', {});

    await at.run('docs/operations.md#drain-back');
    await at.connected('ha');
    await until(
      'the command that waited is done',
      async () => (await at.api<Command>('GET', `/commands/${list.id}`)).body.state === 'completed',
    );
  });

  it('force drain by label: sessions fail and can be woken; or be deleted', async () => {
    const { id } = await at.session('ha');
    await at.reached(id, 'running');
    await at.run('docs/operations.md#force-drain');
    expect((await at.failed(id)).reason).toContain('deleted from outside');
    await at.api('POST', `/sessions/${id}/wake`, {});
    await until(
      'it runs again',
      async () => (await at.api<Session>('GET', `/sessions/${id}`)).body.state === 'running',
      180_000,
    );
    await at.run('docs/operations.md#force-drain-gone');
    expect((await at.failed(id)).reason).toBe('gone from the platform');
    await at.delete(id);
  });

  it('an agent of a tenant’s own: enrols with its own token, and registers with the same hub', async () => {
    expect(await at.run('docs/multi-agent.md#tenant')).toMatch(/Phase:\s+Succeeded/);
    expect((await at.connected('tenant-a')).priority).toBe('low');
    expect(await at.replicas('tenant-a-streamspace-k8s-agent', 'tenant-a')).toBe('2/2');
    expect(await at.run('docs/multi-agent.md#enrolment')).toMatch(/"token":"sse_[\w-]{43}"/);
  });

  it('logs go to a file, which a sidecar reads', async () => {
    await until('the sidecar has the log', async () =>
      (await at.run('docs/operations.md#log-file')).split('\n').some((line) => /^\{.*"msg":"\w+/.test(line)),
    );
  });

  it('ResourceQuota: a session beyond it fails, and says why', async () => {
    const sessions = [await at.session('tenant-a'), await at.session('tenant-a')];
    for (const { id } of sessions) await at.reached(id, 'running');
    const { id } = await at.session('tenant-a');
    expect((await at.failed(id)).reason).toMatch(/The namespace’s quota \S+ is used up: .*services=1/);
    for (const each of [...sessions, { id }]) await at.delete(each.id);
  });

  it('active-standby by priority', async () => {
    const first = await at.session();
    expect(first.agent).toBe('ha');
    expect(await at.run('docs/multi-agent.md#priorities')).toMatch(/"priority":"low"/);
    await at.run('docs/operations.md#drain');
    const second = await at.session();
    expect(second.agent).toBe('tenant-a');
    await at.reached(second.id, 'running');
    await at.api('PATCH', '/agents/ha', { status: 'online' });
    const third = await at.session();
    expect(third.agent).toBe('ha');
    for (const { id } of [first, second, third]) await at.delete(id);
  });

  it('troubleshooting: the commands tell', async () => {
    const { id } = await at.session('ha');
    await at.reached(id, 'running');
    const more = { SESSION: id };
    expect(await at.run('docs/troubleshooting.md#trouble-connect', more)).toContain('Registered agent');
    expect(await at.run('docs/troubleshooting.md#trouble-crash', more)).toContain('streamspace-k8s-agent');
    expect(await at.run('docs/troubleshooting.md#trouble-session', more)).toContain(`session-${id}`);
    expect(await at.run('docs/troubleshooting.md#trouble-vnc', more)).toContain('"ticket"');
    expect(await at.run('docs/troubleshooting.md#trouble-memory', more)).toContain('used_memory_human');
    await at.delete(id);
  });

  it('backup and restore of the store', async () => {
    await at.api('PATCH', '/agents/tenant-a', { status: 'offline' });
    await at.run('docs/backup.md#backup');
    expect(existsSync(`${root}backup.rdb`)).toBe(true);
    await at.api('PATCH', '/agents/tenant-a', { status: 'online' });
    await at.run('docs/backup.md#restore');
    await at.connected('ha');
    // the state at the time of the backup
    expect((await at.api<Agent>('GET', '/agents/tenant-a')).body.draining).toBe(true);
  });

  it('kubectl apply of the plain manifests, in another namespace', async () => {
    const plain = { NAMESPACE: 'plain' };
    await at.kubectl('delete', 'namespace', 'plain', 'given', '--ignore-not-found');
    await at.run('docs/install.md#apply', plain);
    const log = () => at.kubectl('-n', 'plain', 'logs', 'deployment/streamspace-api');
    await until('its agent is registered', async () => (await log()).includes('Registered agent'), 120_000);
    await at.kubectl('delete', 'namespace', 'plain', '--wait=false');
    const given = ['-n', 'given', 'get', 'secrets', '-o', 'jsonpath={.items[*].data}'];
    await at.run('docs/install.md#secrets', { NAMESPACE: 'given' });
    expect(await at.kubectl(...given)).toMatch(/^\{"jwt-secret":".{40,}"\} \{"enrolment":".{80,}"\}$/);
    await at.kubectl('delete', 'namespace', 'given', '--wait=false');
    await at.run('docs/install.md#render');
    await at.kubectl('apply', '--dry-run=server', '-f', `${root}rendered.yaml`);
  });
});
