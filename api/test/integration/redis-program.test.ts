import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ABOUT_SERVER, eventually, redisPort, RedisProcess, SERVER } from '../support/redis-programs.ts';
import { RedisScene } from '../support/redis-stores.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/hub.js', import.meta.url));
const JWT_SECRET = 'a secret of the tests, long enough for HS256';

describe.skipIf(SERVER === undefined)(`the program with a Redis store${ABOUT_SERVER}`, () => {
  const scene = new RedisScene();
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
    await scene.end();
  });

  const start = (url: string, drain = '100ms') => {
    const env = { PORT: '0', METRICS_PORT: '0', HOST: '127.0.0.1', JWT_SECRET, STORE_URL: url, DRAIN_TIMEOUT: drain };
    const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (printed += data.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    ends.push(() => (child.kill('SIGKILL'), ended));
    const said = (what: 'url' | 'metrics') => () =>
      vi.waitFor(() => {
        const [, at] = new RegExp(`"${what}":"([^"]+)"[^\\n]*hub listening`).exec(printed) ?? [];
        if (at === undefined) throw new Error(`does not listen: ${printed}`);
        return at;
      }, 30_000);
    return {
      url: said('url'),
      metrics: said('metrics'),
      stop: () => (child.kill('SIGTERM'), ended),
    };
  };

  it('takes on one hub what another one has given out, and ends', async () => {
    const redis = await scene.server(RedisProcess.start());
    const hubs = [start(redis.url), start(redis.url)];
    const [one, two] = (await Promise.all(hubs.map((hub) => hub.url()))) as [string, string];
    const token = await new SignJWT({ roles: ['admin'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('root')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(Buffer.from(JWT_SECRET));
    const post = async (url: string, authorization: string, body: object) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${authorization}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: answer.status, ...((await answer.json()) as { token?: string; credential?: string }) };
    };
    const enrolment = await post(`${one}/api/v1/agents/enrolments`, token, { agent_id: 'lab' });
    expect(enrolment).toMatchObject({ status: 201 });
    expect(await post(`${two}/api/v1/agents/enrol`, enrolment.token!, { agent_id: 'lab' })).toMatchObject({
      credential: expect.stringMatching(/^ssa_lab\./) as unknown,
    });
    expect(await post(`${one}/api/v1/agents/enrol`, enrolment.token!, { agent_id: 'lab' })).toMatchObject({
      status: 401,
    });
    expect(await Promise.all(hubs.map((hub) => hub.stop()))).toEqual([0, 0]);
  });

  it('[I7] still takes connections while it stops: who sends them may not have heard of it', async () => {
    const redis = await scene.server(RedisProcess.start());
    const hub = start(redis.url, '3s');
    const url = await hub.url();
    const stopped = hub.stop();
    const ready = async () => (await fetch(`${url}/ready`, { headers: { connection: 'close' } })).status;
    await vi.waitFor(async () => expect(await ready()).toBe(503), 10_000);
    for (let n = 0; n < 20; n += 1) expect(await ready()).toBe(503);
    expect(await stopped).toBe(0);
  });

  it('waits at its start for a store that is not there yet, and says so while it is away', async () => {
    const port = await redisPort();
    const hub = start(`redis://127.0.0.1:${port}`);
    const redis = await scene.server(RedisProcess.start([], { port }));
    const url = await hub.url();
    const health = async () => ((await (await fetch(`${url}/health`)).json()) as { status: string }).status;
    expect(await health()).toBe('ok');
    redis.signal('SIGSTOP');
    await eventually('the hub says that it is not well', async () => (await health()) === 'degraded');
    redis.signal('SIGCONT');
    await eventually('the hub is well again', async () => (await health()) === 'ok');
  });

  it('answers everything with 503 while the store is frozen, hangs nowhere, and goes on when it is back', async () => {
    const redis = await scene.server(RedisProcess.start());
    const hub = start(redis.url);
    const url = await hub.url();
    const token = await new SignJWT({ roles: ['admin', 'user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('root')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(Buffer.from(JWT_SECRET));
    /** Not answered at all within the limit: that is what this test is about. */
    const limit = () => AbortSignal.timeout(20_000);
    const call = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: limit(),
      });
      const { error } = (await answer.json()) as { error?: { code: string } };
      return [answer.status, error?.code];
    };
    const upgrade = async (path: string, headers: Record<string, string>, protocol: string) => {
      const ws = new WebSocket(url.replace('http', 'ws') + path, protocol, { headers, handshakeTimeout: 20_000 });
      return new Promise((resolve, reject) => {
        ws.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        ws.on('open', () => resolve('open'));
        ws.on('error', reject);
      });
    };
    redis.signal('SIGSTOP');
    const unavailable = [503, 'store_unavailable'];
    const calls: [string, string, object?][] = [
      ['POST', '/sessions', { template: 'desktop' }],
      ['GET', '/sessions'],
      ['GET', '/sessions/s-1'],
      ['DELETE', '/sessions/s-1'],
      ['POST', '/sessions/s-1/wake', {}],
      ['POST', '/sessions/s-1/ticket', {}],
      ['GET', '/agents'],
      ['PATCH', '/agents/lab', { status: 'offline' }],
      ['GET', '/agents/lab/timeline'],
      ['POST', '/agents/lab/rotate', {}],
      ['DELETE', '/agents/lab/credential'],
      ['POST', '/agents/enrolments', {}],
      ['GET', '/templates'],
      ['GET', '/commands/c-1'],
    ];
    for (let round = 0; round < 2; round += 1) {
      const answers = await Promise.all(calls.map((each) => call(...each)));
      expect(answers.map((answer, index) => [`${calls[index]![0]} ${calls[index]![1]}`, ...answer])).toEqual(
        calls.map(([method, path]) => [`${method} ${path}`, ...unavailable]),
      );
      const agent = { authorization: `Bearer ssa_lab.${'x'.repeat(43)}` };
      expect(await upgrade('/api/v1/agent/connect', agent, 'streamspace.agent')).toBe(503);
      expect(await upgrade('/api/v1/sessions/s-1/vnc?ticket=t', {}, 'binary')).toBe(503);
    }
    const health = async () => (await (await fetch(`${url}/health`, { signal: limit() })).json()) as { status: string };
    expect(await health()).toMatchObject({ status: 'degraded', missing: [{ what: 'store' }] });
    expect((await fetch(`${url}/ready`, { signal: limit() })).status).toBe(200);
    expect(await (await fetch(await hub.metrics(), { signal: limit() })).text()).toContain(
      'streamspace_hub_store_up 0',
    );
    redis.signal('SIGCONT');
    await eventually('the store works', async () => (await call('GET', '/templates'))[0] === 200);
    expect(await call('GET', '/sessions/s-1')).toEqual([404, 'not_found']);
  });

  it('stops when it is asked to, with its store frozen', async () => {
    const redis = await scene.server(RedisProcess.start());
    const hub = start(redis.url);
    await hub.url();
    redis.signal('SIGSTOP');
    expect(await hub.stop()).toBe(0);
    redis.signal('SIGCONT');
  });
});
