import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually, freePort, RedisProcess, SERVER, ABOUT_SERVER } from '../support/redis-programs.ts';
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

  const start = (url: string) => {
    const env = { PORT: '0', HOST: '127.0.0.1', JWT_SECRET, STORE_URL: url, DRAIN_TIMEOUT: '100ms' };
    const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (printed += data.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    ends.push(() => (child.kill('SIGKILL'), ended));
    return {
      url: () =>
        vi.waitFor(() => {
          const [, listens] = /"url":"([^"]+)"[^\n]*hub listening/.exec(printed) ?? [];
          if (listens === undefined) throw new Error(`does not listen: ${printed}`);
          return listens;
        }, 30_000),
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

  it('waits at its start for a store that is not there yet, and says so while it is away', async () => {
    const port = await freePort();
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
});
