import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Quota, type Session } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sessionsUse } from '../../src/quotas/count.ts';
import { quotasOf } from '../../src/quotas/quotas.ts';
import { CAPACITY, claim, GIB } from '../support/records.ts';
import { ABOUT_SERVER, RedisProcess, SERVER } from '../support/redis-programs.ts';
import { RedisScene } from '../support/redis-stores.ts';
import { Rest } from '../support/rest.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/hub.js', import.meta.url));
const JWT_SECRET = 'a secret of the tests, long enough for HS256';

describe('[QUO3] quotas of a hub', () => {
  let hub: Rest;
  afterEach(() => hub.stop());
  const create = (who = 'alice', wish: object = {}) =>
    hub.as(who, 'POST', 'sessions', { template: 'desktop', ...wish });
  const set = (id: string, state: Session['state']) => hub.store.sessions.update(id, { state });

  it('a create beyond the limit is refused with what is used, of what, and what helps', async () => {
    hub = await Rest.start({}, undefined, 'fake', quotasOf([{ running: 2 }, { user: 'bob', running: 1 }]));
    await hub.agent('a1');
    await create();
    await create();
    const refused = await create();
    expect(refused).toMatchObject({
      status: 403,
      code: 'quota_exceeded',
      message: '2 of 2 running sessions are in use: hibernate or delete one',
    });
    expect(refused.body.error).toMatchObject({
      retryable: false,
      details: { quota: 'running', used: 2, limit: 2, needed: 1 },
    });
    expect((await create('bob')).status).toBe(202);
    expect(await create('bob')).toMatchObject({ code: 'quota_exceeded' });
    expect((await hub.as('alice', 'GET', 'sessions')).body.items).toHaveLength(2);
  });

  it('a wake counts for the user of the session, whoever wakes it', async () => {
    hub = await Rest.start({}, undefined, 'fake', quotasOf([{ running: 1 }, { user: 'admin', running: 9 }]));
    await hub.agent('a1');
    const first = (await create()).body.session.id as string;
    await set(first, 'hibernated');
    const second = (await create()).body.session.id as string;
    for (const who of ['alice', 'admin'])
      expect(await hub.as(who, 'POST', `sessions/${first}/wake`)).toMatchObject({
        status: 403,
        code: 'quota_exceeded',
        message: '1 of 1 running sessions are in use: hibernate or delete one',
      });
    expect((await hub.as('alice', 'GET', `sessions/${first}`)).body.state).toBe('hibernated');
    await set(second, 'hibernated');
    expect((await hub.as('admin', 'POST', `sessions/${first}/wake`)).status).toBe(202);
  });

  it('GET /quota shows own limits and use', async () => {
    hub = await Rest.start({}, undefined, 'fake', quotasOf([{ running: 2, memory: 8 * GIB }]));
    await hub.agent('a1');
    const first = (await create()).body.session.id as string;
    await create();
    await create('bob');
    await set(first, 'hibernated');
    const { status, body } = await hub.as('alice', 'GET', 'quota');
    expect(status).toBe(200);
    expect(Compile(Quota).Errors(body)).toEqual([]);
    expect(body).toEqual({
      limits: { running: 2, memory: 8 * GIB },
      used: { sessions: 2, running: 1, cpu: 1, memory: GIB, storage: 20 * GIB },
    });
    expect((await hub.as(undefined, 'GET', 'quota')).status).toBe(401);
  });

  it('without quotas only the room of the agents limits', async () => {
    hub = await Rest.start();
    await hub.agent('a1', { capacity: { ...CAPACITY, cpu: 100, max_sessions: 100, memory: 1000 * GIB } });
    for (let n = 0; n < 20; n += 1) expect((await create()).status).toBe(202);
    expect((await hub.as('alice', 'GET', 'quota')).body).toMatchObject({ limits: {}, used: { sessions: 20 } });
  });
});

describe.skipIf(SERVER === undefined)(`quotas of three hub replicas${ABOUT_SERVER}`, () => {
  const scene = new RedisScene();
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
    await scene.end();
  });

  const start = (url: string, quotas: string) => {
    const own = { PORT: '0', METRICS_PORT: '0', HOST: '127.0.0.1', JWT_SECRET, STORE_URL: url, RATE_LIMIT: '100000' };
    const env = { ...own, QUOTAS_FILE: quotas };
    const child = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (printed += String(data)));
    const ended = new Promise((resolve) => child.once('close', resolve));
    ends.push(() => (child.kill('SIGKILL'), ended));
    return vi.waitFor(() => {
      const at = /"url":"([^"]+)"[^\n]*hub listening/.exec(printed)?.[1];
      if (at === undefined) throw new Error(`does not listen: ${printed}`);
      return at;
    }, 30_000);
  };

  it('of 1,000 concurrent creates exactly the limit succeeds', async () => {
    const redis = await scene.server(RedisProcess.start());
    const folder = await mkdtemp(join(tmpdir(), 'quotas-'));
    ends.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'quotas.json');
    await writeFile(file, JSON.stringify([{ running: 7 }]));
    const hubs = await Promise.all([1, 2, 3].map(() => start(redis.url, file)));
    const store = scene.store({ url: redis.url });
    const capacity = { cpu: 10_000, memory: 10_000 * GIB, max_sessions: 10_000 };
    for (const agentId of ['a1', 'a2', 'a3']) await store.agents.claim(claim({ agentId }, { capacity }));
    const token = await new SignJWT({ roles: ['user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('alice')
      .setExpirationTime('1h')
      .sign(Buffer.from(JWT_SECRET));
    const create = async (_: unknown, index: number) => {
      const answer = await fetch(`${hubs[index % 3]}/api/v1/sessions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ template: 'desktop', agent: `a${1 + (index % 3)}` }),
      });
      const { error } = (await answer.json()) as { error?: { code: string } };
      return error?.code ?? answer.status;
    };
    const answers = await Promise.all(Array.from({ length: 1_000 }, create));
    const count = (what: unknown) => answers.filter((each) => each === what).length;
    expect({ made: count(202), refused: count('quota_exceeded') }).toEqual({ made: 7, refused: 993 });
    expect(sessionsUse(await store.sessions.list({ user: 'alice' }))).toMatchObject({ sessions: 7, running: 7 });
  }, 120_000);
});
