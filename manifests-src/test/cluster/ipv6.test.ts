import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, hasIpv6, loadPrograms, startCluster, whyNoCluster } from '../support/cluster.ts';

const why = (await whyNoCluster()) ?? ((await hasIpv6()) ? undefined : 'this machine has no IPv6');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const NAMESPACE = 'by-ipv6';
const STORE = `${root}docs/examples/valkey-sentinel.yaml`;

/** Asks the hub, with a token signed by the secret that the hub has; prints status and answer. */
const ASK = `const [method, path, body] = process.argv.slice(1);
const { createHmac } = require('node:crypto');
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'admin', roles: ['admin'], exp: Math.floor(Date.now() / 1000) + 60 };
const signed = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part(claims);
const token = signed + '.' + createHmac('sha256', process.env.JWT_SECRET).update(signed).digest('base64url');
const headers = { authorization: 'Bearer ' + token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
fetch('http://127.0.0.1:' + process.env.PORT + '/api/v1' + path, { method, headers, body })
  .then(async (answer) => console.log(JSON.stringify([answer.status, await answer.json()])));`;

/** What the port answers that the Service, and so an Ingress or a route, leads to. */
const BY_SERVICE = `const { POD_IP, PORT } = process.env;
const at = (path) => fetch('http://[' + POD_IP + ']:' + PORT + path).then(({ status }) => status);
Promise.all(['/api/v1/health', '/metrics', '/internal/streams', '/internal'].map(at)).then((all) => console.log(all.join()));`;

interface AgentAnswer {
  readonly id: string;
  readonly connected: boolean;
  readonly draining: boolean;
}

describe.skipIf(why !== undefined)(`F2 a cluster of IPv6 alone${why === undefined ? '' : ` (${why})`}`, () => {
  let cluster: Cluster;
  const kubectl = (...args: string[]) => cluster.kubectl('-n', NAMESPACE, ...args);
  const inHub = (...command: string[]) => kubectl('exec', 'deployment/streamspace-api', '-c', 'api', '--', ...command);
  const release = ['upgrade', '--install', 'streamspace', `${root}chart`, '-n', NAMESPACE];
  const values = ['-f', `${root}test-values/minimal.yaml`, '--wait', '--timeout', '5m'];
  const upgrade = (...more: string[]) => cluster.helm(...release, ...values, ...more);
  const ask = async (...request: string[]): Promise<[status: number, body: unknown]> =>
    JSON.parse(await inHub('node', '-e', ASK, ...request)) as [number, unknown];
  const agents = async () => {
    const [status, body] = await ask('GET', '/agents');
    return status === 200 ? (body as { items: AgentAnswer[] }).items : [];
  };
  const drain = async () => (await ask('PATCH', '/agents/minimal', '{"status":"offline"}'))[0];

  /** Until it is so, for two minutes at most; what fails meanwhile is tried again. */
  async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 120_000;
    for (;;) {
      const [so, reason] = await holds().then(
        (value) => [value, ''] as const,
        (error: unknown) => [false, String(error)] as const,
      );
      if (so) return;
      if (Date.now() > deadline) throw new Error(`${what}: not within two minutes. ${reason}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  beforeAll(async () => {
    cluster = await startCluster('manifests-ipv6', 'ipv6');
    await loadPrograms(cluster);
    await cluster.load('valkey/valkey:8.1');
    await cluster.kubectl('create', 'namespace', NAMESPACE);
    await cluster.kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
  });

  afterAll(() => cluster?.delete());

  it('hub, store and agent find each other', async () => {
    await upgrade('--set', 'api.replicaCount=2');
    await eventually('an agent is connected', async () => (await agents()).some(({ connected }) => connected));
    expect((await agents()).map(({ id }) => id)).toEqual(['minimal']);
  });

  it('hubs reach each other at the addresses of their pods', async () => {
    const slices = ['endpointslices', '-l', 'kubernetes.io/service-name=streamspace-api'];
    const ready = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}';
    const all = (await kubectl('get', ...slices, '-o', ready)).trim().split(' ');
    expect(all).toHaveLength(2);
    for (const ip of all) expect(ip).toContain(':');
    const urls = JSON.stringify(all.map((ip) => `http://[${ip}]:9090/metrics`));
    const script = `Promise.all(${urls}.map((url) => fetch(url).then(({ status }) => status))).then((all) => console.log(all.join()))`;
    expect((await inHub('node', '-e', script)).trim()).toBe('200,200');
  });

  it('F8 what an Ingress or a route leads to has no metrics and nothing that is between hubs', async () => {
    const ports = ['get', 'service', 'streamspace-api', '-o', 'jsonpath={.spec.ports[*].targetPort}'];
    expect((await kubectl(...ports)).trim()).toBe('http');
    expect((await inHub('node', '-e', BY_SERVICE)).trim()).toBe('200,404,404,404');
  });

  it('part 5 a store of three with Sentinels: its primary is killed, and what was accepted is there', async () => {
    await kubectl('apply', '-f', STORE);
    await kubectl('rollout', 'status', 'statefulset/store', '--timeout=180s');
    const sentinels = [0, 1, 2].map((each) => `store-${each}.store:26379`).join('\\,');
    const url = `redis.external.url=redis+sentinel://${sentinels}/main`;
    await upgrade('--set', url, '--set', 'redis.external.waitReplicas=1');
    const primary = async () => {
      const sentinel = ['exec', 'statefulset/store', '-c', 'sentinel', '--', 'valkey-cli', '-p', '26379', '--raw'];
      const told = await kubectl(...sentinel, 'sentinel', 'get-master-addr-by-name', 'main');
      return told.split('.')[0]!;
    };
    const before = await primary();
    await eventually('the agent is back', async () => (await agents()).some(({ connected }) => connected));
    // something that only the store knows
    await eventually('the drain is accepted', async () => (await drain()) === 200);
    await kubectl('delete', 'pod', before, '--grace-period=0', '--force');
    await eventually('there is another primary', async () => (await primary()) !== before);
    await eventually('the hub has it', async () => (await agents()).some(({ draining }) => draining));
    await eventually('and writes to it', async () => (await drain()) === 200);
  });
});
