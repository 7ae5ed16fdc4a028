import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeApiserver, kubeApiserverMissing, VirtualClock } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inCluster } from '../../../api/src/secrets/api-server.ts';
import { makeSecrets } from '../../../api/src/secrets/make.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';

const why = kubeApiserverMissing();
const RELEASE = { name: 'streamspace', namespace: 'desktops' };
const ACCOUNT = 'system:serviceaccount:desktops:streamspace-api';
const AUTH = 'JWT_SECRET=streamspace-api-auth/jwt-secret';
const ENROLMENT = 'ENROLMENT_TOKEN=streamspace-enrolment/token';

interface Secret {
  readonly metadata: { readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
}

// The chart's own Secrets and Role, at a real API server; the hub as the ServiceAccount that the chart gives it.
describe.skipIf(why !== undefined)(`part 2 secrets made at run time${why === undefined ? '' : ` (${why})`}`, () => {
  let kube: KubeApiserver;
  let folder: string;
  const said: string[] = [];

  /** As the one who may everything. */
  function admin<T>(method: string, path: string, body?: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const headers = { authorization: 'Bearer admin-token', 'content-type': type };
      const asked = request(kube.url + path, { method, headers, rejectUnauthorized: false }, (answer) => {
        let text = '';
        answer.on('data', (part) => (text += part));
        answer.on('end', () =>
          answer.statusCode! < 300 ? resolve(JSON.parse(text) as T) : reject(new Error(`${method} ${path}: ${text}`)),
        );
      });
      asked.on('error', reject);
      asked.end(body && JSON.stringify(body));
    });
  }
  const inNamespace = (kind: string) => `/api/v1/namespaces/${RELEASE.namespace}/${kind}`;
  const rbac = (kind: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${RELEASE.namespace}/${kind}`;
  const secret = (name: string) => admin<Secret>('GET', `${inNamespace('secrets')}/${name}`);
  const valueOf = async (name: string, key: string) =>
    Buffer.from((await secret(name)).data?.[key] ?? '', 'base64').toString();

  const PATHS: Readonly<Record<string, string>> = {
    Secret: inNamespace('secrets'),
    ServiceAccount: inNamespace('serviceaccounts'),
    Role: rbac('roles'),
    RoleBinding: rbac('rolebindings'),
  };
  const chart = objectsOf(streamspace(), RELEASE, {}).filter(({ kind }) => kind in PATHS);
  const apply = async (object: RenderedObject) => {
    const { kind, metadata } = object;
    if (metadata.namespace === RELEASE.namespace) await admin('POST', PATHS[kind]!, object);
  };
  /** The Secrets as the chart renders them. */
  const empty = async () => {
    for (const object of chart.filter(({ kind }) => kind === 'Secret')) {
      await admin('DELETE', `${PATHS['Secret']}/${object.metadata.name}`).catch(() => undefined);
      await apply(object);
    }
  };
  const deps = (tell: (line: string) => void = () => {}) => {
    const { hostname, port } = new URL(kube.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    return { server: () => inCluster(env, folder), clock: systemClock, randomBytes, tell };
  };

  beforeAll(async () => {
    kube = await KubeApiserver.start();
    await admin('POST', '/api/v1/namespaces', { metadata: { name: RELEASE.namespace } });
    for (const object of chart) await apply(object);
    const { status } = await admin<{ status: { token: string } }>(
      'POST',
      `${inNamespace('serviceaccounts')}/streamspace-api/token`,
      { spec: {} },
    );
    // as the kubelet mounts it
    folder = mkdtempSync(join(tmpdir(), 'account-'));
    writeFileSync(join(folder, 'token'), status.token);
    writeFileSync(join(folder, 'namespace'), RELEASE.namespace);
    writeFileSync(join(folder, 'ca.crt'), await kube.certificates());
  });
  afterAll(async () => {
    await kube?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes what is missing, once', async () => {
    await empty();
    await makeSecrets(
      [AUTH, ENROLMENT],
      deps((line) => said.push(line)),
    );
    const made = await Promise.all([secret('streamspace-api-auth'), secret('streamspace-enrolment')]);
    expect(await valueOf('streamspace-api-auth', 'jwt-secret')).toMatch(/^[\w-]{43}$/);
    expect(await valueOf('streamspace-enrolment', 'token')).toMatch(/^sse_[\w-]{43}$/);
    expect(said).toEqual([
      'JWT_SECRET: made: key jwt-secret of Secret desktops/streamspace-api-auth',
      'ENROLMENT_TOKEN: made: key token of Secret desktops/streamspace-enrolment',
    ]);
    // a restart, another replica, an upgrade
    await makeSecrets([AUTH, ENROLMENT], deps());
    const after = await Promise.all([secret('streamspace-api-auth'), secret('streamspace-enrolment')]);
    expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(
      made.map(({ metadata }) => metadata.resourceVersion),
    );
  });

  it('replicas that start at the same time have one value', async () => {
    await empty();
    const made: string[] = [];
    const replica = async () => {
      await makeSecrets(
        [AUTH],
        deps((line) => made.push(line)),
      );
      return valueOf('streamspace-api-auth', 'jwt-secret');
    };
    const values = await Promise.all(Array.from({ length: 12 }, replica));
    expect(new Set(values).size).toBe(1);
    expect(values[0]).not.toBe('');
    expect(made.filter((line) => line.includes(': made:'))).toHaveLength(1);
  });

  it('leaves what somebody else put there, the keys beside it too', async () => {
    await empty();
    const data = { token: Buffer.from('t'.repeat(32)).toString('base64'), other: 'b3RoZXI=' };
    await admin('PATCH', `${inNamespace('secrets')}/streamspace-enrolment`, { data });
    const { metadata } = await secret('streamspace-enrolment');
    await makeSecrets([ENROLMENT], deps());
    expect((await secret('streamspace-enrolment')).metadata.resourceVersion).toBe(metadata.resourceVersion);
    await admin('PATCH', `${inNamespace('secrets')}/streamspace-enrolment`, { data: { token: null } });
    await makeSecrets([ENROLMENT], deps());
    expect((await secret('streamspace-enrolment')).data).toMatchObject({
      other: 'b3RoZXI=',
      token: expect.any(String),
    });
  });

  it('says what is wrong with a value that will not do', async () => {
    await empty();
    await admin('PATCH', `${inNamespace('secrets')}/streamspace-api-auth`, { data: { 'jwt-secret': 'c2hvcnQ=' } });
    await expect(makeSecrets([AUTH], deps())).rejects.toThrow(
      /JWT_SECRET: takes a secret of at least 32 bytes.*key jwt-secret of Secret desktops\/streamspace-api-auth has 5 characters.*remove the key/,
    );
  });

  it.each([
    [
      'without the right to',
      'HUB_PEER_SECRET=streamspace-api-peers/peer-secret',
      new RegExp(
        `Secret desktops/streamspace-api-peers: .*${ACCOUNT}.* cannot get .*needs a Role with the verbs get and patch on this one.*name your own Secret in api\\.peers\\.existingSecret\\.name`,
      ),
    ],
    [
      'where the Secret is missing',
      ENROLMENT,
      /Secret desktops\/streamspace-enrolment: .*not found.*apply all of it; or name your own Secret in enrolment\.existingSecret\.name/,
    ],
  ])('%s: waits for it, says so once, and gives up with the remedy', async (_what, wish, words) => {
    await admin('DELETE', `${inNamespace('secrets')}/streamspace-enrolment`).catch(() => undefined);
    const clock = new VirtualClock();
    const lines: string[] = [];
    const given = { ...deps((line) => lines.push(line)), clock };
    let ended = false;
    const made = makeSecrets([wish], given).finally(() => (ended = true));
    made.catch(() => undefined);
    while (!ended) {
      // an answer of the API server takes real time
      await new Promise((resolve) => setTimeout(resolve, 5));
      await clock.advance(1_000);
    }
    await expect(made).rejects.toThrow(words);
    expect(lines).toEqual([expect.stringMatching(words)]);
    expect(lines[0]).toMatch(/; trying again$/);
  });

  it('may get and patch nothing else', async () => {
    await admin('POST', inNamespace('secrets'), { metadata: { name: 'somebody-elses' }, data: { a: 'Yg==' } });
    const api = await deps().server();
    await expect(api.get('somebody-elses')).rejects.toMatchObject({ code: 403 });
    const other = { metadata: { name: 'somebody-elses', resourceVersion: '1' } };
    await expect(api.set(other, 'a', 'c')).rejects.toMatchObject({ code: 403 });
  });
});
