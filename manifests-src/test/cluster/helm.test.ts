import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBlock } from '../../../test/support/docs.ts';
import { guideOn, reportOn } from './guide.ts';
import { type Cluster, loadPrograms, startCluster, whyNoCluster } from '../support/cluster.ts';

const why = await whyNoCluster();
const root = fileURLToPath(new URL('../../../', import.meta.url));
const NAMESPACE = 'by-helm';
const SESSIONS = 'by-helm-sessions';
const SECRET = 'another-secret-of-at-least-thirty-two-characters';
/** A hub that needs its node for itself; from then on, for the old pod's rule holds for the new one too. */
const APART = ['--set', 'api.podAntiAffinity.type=required', '--set', `api.auth.secret=${SECRET}`];
const HUBS = 'app.kubernetes.io/component=api';

/** A release to which nothing is told: where docs/install.md puts it. */
const BARE = 'streamspace';

/** Asks the hub for its agents, with the token of a link. */
const WITH_LINK = `fetch('http://127.0.0.1:8080/api/v1/agents', { headers: { authorization: 'Bearer ' + process.argv[1] } })
  .then(async (answer) => console.log(JSON.stringify({ status: answer.status, ...(await answer.json()) })));`;

/** Asks the hub for its agents, with a token signed by the secret that the hub has. */
const AGENTS = `const { createHmac } = require('node:crypto');
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'admin', roles: ['admin'], exp: Math.floor(Date.now() / 1000) + 60 };
const signed = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part(claims);
const token = signed + '.' + createHmac('sha256', process.env.JWT_SECRET).update(signed).digest('base64url');
fetch('http://127.0.0.1:' + process.env.PORT + '/api/v1/agents', { headers: { authorization: 'Bearer ' + token } })
  .then((answer) => answer.json())
  .then(({ items }) => console.log(JSON.stringify(items)));`;

describe.skipIf(why !== undefined)(`Helm on kind${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;
  const upgrade = (values: string, ...more: string[]) =>
    cluster.helm(
      'upgrade',
      '--install',
      'streamspace',
      `${root}chart`,
      '-n',
      NAMESPACE,
      '-f',
      `${root}test-values/${values}.yaml`,
      '--wait',
      '--timeout',
      '5m',
      ...more,
    );
  const replicas = async (name: string) =>
    Number(await cluster.kubectl('-n', NAMESPACE, 'get', 'deployment', name, '-o', 'jsonpath={.status.readyReplicas}'));
  const left = async () => {
    const kinds =
      'deployments,statefulsets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,leases,ingresses,horizontalpodautoscalers,resourcequotas';
    const names = (await cluster.kubectl('-n', NAMESPACE, 'get', kinds, '-o', 'name'))
      .split('\n')
      .filter((name) => name !== '');
    return names.filter((name) => !['configmap/kube-root-ca.crt', 'serviceaccount/default'].includes(name));
  };

  beforeAll(async () => {
    cluster = await startCluster();
    await loadPrograms(cluster);
    await cluster.load('valkey/valkey:8.1');
    await cluster.kubectl('create', 'namespace', NAMESPACE);
    // every pod has to keep the strictest Pod Security level
    await cluster.kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
  });

  afterAll(async () => {
    if (cluster === undefined) return;
    await cluster.tryKubectl('delete', 'namespace', NAMESPACE, SESSIONS, BARE, '--wait=false');
    await cluster.delete();
  });

  describe('part 2 without any value', () => {
    const page = (where: string) => runBlock(where, { KUBECONFIG: join(cluster.folder, 'kubeconfig') });
    const install = (...more: string[]) =>
      cluster.helm(
        'upgrade',
        '--install',
        'streamspace',
        `${root}chart`,
        '-n',
        BARE,
        '--create-namespace',
        '--wait',
        '--timeout',
        '5m',
        ...more,
      );
    const made = async () => {
      const secrets = ['streamspace-api-auth', 'streamspace-enrolment'];
      const found = await cluster.kubectl('-n', BARE, 'get', 'secrets', ...secrets, '-o', 'jsonpath={.items[*].data}');
      expect(found).toMatch(/^\{"jwt-secret":"\w+=*"\} \{"token":"\w+=*"\}$/);
      return found;
    };
    const ready = (deployment: string) =>
      cluster.kubectl('-n', BARE, 'get', 'deployment', deployment, '-o', 'jsonpath={.status.readyReplicas}');
    let token: string;
    const agents = async () =>
      JSON.parse(
        await cluster.kubectl(
          '-n',
          BARE,
          'exec',
          'deployment/streamspace-api',
          '-c',
          'api',
          '--',
          'node',
          '-e',
          WITH_LINK,
          token,
        ),
      ) as { status: number; items?: { id: string; connected: boolean }[] };
    const connected = async () => {
      for (;;) {
        const { status, items = [] } = await agents();
        expect(status).toBe(200);
        if (items.some((agent) => agent.connected)) return items.map(({ id }) => id);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };

    it('hub, store and agent become ready, and nothing crashes on the way', async () => {
      expect(await page('docs/install.md#no-values')).toContain(
        'exec deployment/streamspace-api -c api -- hub link --user you --admin',
      );
      expect([await ready('streamspace-api'), await ready('streamspace-k8s-agent')]).toEqual(['1', '1']);
      const restarts = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}';
      expect(await cluster.kubectl('-n', BARE, 'get', 'pods', '-o', restarts)).toBe('0 0 0');
      const first = 'jsonpath={.items[*].status.initContainerStatuses[*].restartCount}';
      expect(await cluster.kubectl('-n', BARE, 'get', 'pods', '-o', first)).toBe('0');
    });

    it('the link that hub link prints signs in', async () => {
      const printed = await page('docs/install.md#link');
      expect(printed).toContain('kubectl -n streamspace port-forward service/streamspace-api 8080:80');
      const [, made] = /^http:\/\/localhost:8080\/#token=([\w.-]+)$/m.exec(printed) ?? [];
      token = made!;
      expect(await connected()).toEqual(['k8s-prod-cluster']);
    });

    it('an upgrade, to replicas by two values, and a rollback leave the Secrets', async () => {
      const before = await made();
      await install(
        '--set',
        'k8sAgent.replicaCount=3',
        '--set',
        'k8sAgent.ha.enabled=true',
        '--set',
        'api.replicaCount=2',
      );
      expect([await ready('streamspace-api'), await ready('streamspace-k8s-agent')]).toEqual(['2', '3']);
      expect(await made()).toBe(before);
      expect(await connected()).toEqual(['k8s-prod-cluster']);
      await cluster.helm('rollback', 'streamspace', '1', '-n', BARE, '--wait', '--timeout', '5m');
      expect(await made()).toBe(before);
      expect(await connected()).toEqual(['k8s-prod-cluster']);
    });

    it('a client-side apply of the same objects leaves them, too', async () => {
      const before = await made();
      const rendered = await cluster.helm('template', 'streamspace', `${root}chart`, '-n', BARE, '--skip-tests');
      const file = join(cluster.folder, 'rendered.yaml');
      writeFileSync(file, rendered);
      await cluster.kubectl('apply', '-f', file);
      await cluster.kubectl('apply', '-f', file);
      expect(await made()).toBe(before);
    });

    describe('part 3 the lines of the HA report', () => reportOn(() => cluster));

    it('uninstalls', async () => {
      await cluster.helm('uninstall', 'streamspace', '-n', BARE, '--wait', '--timeout', '3m');
      await cluster.kubectl('delete', 'namespace', BARE, '--wait=false');
    });
  });

  it('installs minimal.yaml, under Pod Security restricted', async () => {
    await upgrade('minimal');
    expect([await replicas('streamspace-api'), await replicas('streamspace-k8s-agent')]).toEqual([1, 1]);
  });

  it('brings its agent to its hub', async () => {
    for (;;) {
      const agents = JSON.parse(
        await cluster.kubectl('-n', NAMESPACE, 'exec', 'deployment/streamspace-api', '--', 'node', '-e', AGENTS),
      ) as { id: string; connected: boolean }[];
      if (agents.some(({ connected }) => connected)) {
        expect(agents.map(({ id }) => id)).toEqual(['minimal']);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });

  it('helm test passes', async () => {
    expect(await cluster.helm('test', 'streamspace', '-n', NAMESPACE, '--timeout', '3m')).toMatch(/Phase:\s+Succeeded/);
  });

  it('upgrades to ha.yaml', async () => {
    await upgrade('ha');
    expect([await replicas('streamspace-api'), await replicas('streamspace-k8s-agent')]).toEqual([3, 3]);
  });

  it('rolls back', async () => {
    await cluster.helm('rollback', 'streamspace', '1', '-n', NAMESPACE, '--wait', '--timeout', '5m');
    expect(
      await cluster.kubectl(
        '-n',
        NAMESPACE,
        'get',
        'deployment',
        'streamspace-k8s-agent',
        '-o',
        'jsonpath={.spec.strategy.type} {.spec.replicas}',
      ),
    ).toBe('Recreate 1');
  });

  it('F2 the hub listens on both families', async () => {
    const listening = await cluster.kubectl(
      '-n',
      NAMESPACE,
      'exec',
      'deployment/streamspace-api',
      '--',
      'cat',
      '/proc/net/tcp6',
    );
    // port 8080, LISTEN
    expect(listening).toMatch(/^ *\d+: 0{32}:1F90 \S+ 0A /m);
  });

  it('F4, F5 a new secret rolls a hub that needs its node for itself, to the end', async () => {
    const pods = async () =>
      (await cluster.kubectl('-n', NAMESPACE, 'get', 'pods', '-l', HUBS, '-o', 'jsonpath={.items[*].metadata.name}'))
        .split(' ')
        .filter((name) => name !== '');
    const [before] = await pods();
    await upgrade('minimal', ...APART);
    await cluster.kubectl('-n', NAMESPACE, 'wait', '--for=delete', `pod/${before}`, '--timeout=90s');
    expect(await pods()).toHaveLength(1);
    expect(
      await cluster.kubectl('-n', NAMESPACE, 'exec', 'deployment/streamspace-api', '--', 'printenv', 'JWT_SECRET'),
    ).toBe(`${SECRET}\n`);
  });

  it('F1 makes a namespace for sessions, with what lies in it', async () => {
    const own = ['--set', `k8sAgent.config.namespace=${SESSIONS}`, '--set', 'k8sAgent.sessionNamespace.create=true'];
    await upgrade('minimal', ...APART, ...own);
    expect(await cluster.kubectl('-n', SESSIONS, 'get', 'role', '-o', 'name')).toContain('streamspace-k8s-agent');
    // somebody's home
    await cluster.kubectl('-n', SESSIONS, 'create', 'configmap', 'home');
  });

  it('F17 refuses another claim for the store, with the way out', async () => {
    const refused = upgrade('minimal', ...APART, '--set', 'redis.persistence.size=5Gi');
    await expect(refused).rejects.toThrow(
      /redis\.persistence: size of the claim data-streamspace-redis-0 can’t be changed .*--cascade=orphan, and upgrade again/,
    );
    // the same amount in other words is the same
    await upgrade('minimal', ...APART, '--set', 'redis.persistence.size=2048Mi');
    await cluster.kubectl('-n', NAMESPACE, 'delete', 'statefulset', 'streamspace-redis', '--cascade=orphan');
    await upgrade('minimal', ...APART, '--set', 'redis.persistence.size=5Gi');
  });

  it('uninstalls, and leaves nothing but the store’s volume', async () => {
    await cluster.helm('uninstall', 'streamspace', '-n', NAMESPACE, '--wait', '--timeout', '3m');
    expect(await left()).toEqual([]);
    // F1: homes are the users'
    expect(await cluster.kubectl('-n', SESSIONS, 'get', 'configmap', 'home', '-o', 'name')).toContain('home');
    // what Valkey kept is the user's: a StatefulSet's claims stay
    expect((await cluster.kubectl('-n', NAMESPACE, 'get', 'persistentvolumeclaims', '-o', 'name')).trim()).toBe(
      'persistentvolumeclaim/data-streamspace-redis-0',
    );
  });

  describe('part 3 the lines of the agent’s guide', () => guideOn(() => cluster));
});
