import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rest } from '../support/rest.ts';

let hub: Rest;
beforeEach(async () => {
  hub = await Rest.start();
  await hub.agent('a1');
});
afterEach(() => hub.stop());

describe('V10 names', () => {
  const named = (name: string) => hub.as('alice', 'POST', 'sessions', { template: 'desktop', name });

  it.each([
    ['blanks', '   '],
    ['nothing to see', '\u200b\u200d'],
    ['a line break', 'one\ntwo'],
    ['a control character', 'a\u0007b'],
    ['another direction of writing', 'invoice\u202Efdp.exe'],
    ['an isolate that is not closed', '\u2066x'],
    ['half a character', 'x\ud800'],
  ])('of %s are refused', async (_what, name) => {
    const { status, message } = await named(name);
    expect(status).toBe(400);
    expect(message).toContain('name: must be a text with something to see in it');
  });

  it.each(['Büro', 'مكتب', 'デスクトップ', '👩‍💻 work', 'a  b', ' x '])('of people are taken: %s', async (name) => {
    const { status, body } = await named(name);
    expect(status).toBe(202);
    expect((body as { session: { name: string } }).session.name).toBe(name);
  });
});

describe('bad input gets an answer that names the field and the remedy', () => {
  const wish = (patch: object) => ({ template: 'desktop', ...patch });
  it.each<[string, 'POST' | 'PATCH' | 'GET' | 'DELETE', string, unknown, string]>([
    ['nothing', 'POST', 'sessions', undefined, 'template: is required'],
    ['no template', 'POST', 'sessions', {}, 'template: is required'],
    [
      'a template that is no id',
      'POST',
      'sessions',
      wish({ template: 'De sk' }),
      'template: must be DNS label: lower case letters, digits and dashes, at most 63',
    ],
    ['an empty name', 'POST', 'sessions', wish({ name: '' }), 'name: must NOT have fewer than 1 characters'],
    [
      'a long name',
      'POST',
      'sessions',
      wish({ name: 'x'.repeat(201) }),
      'name: must NOT have more than 200 characters',
    ],
    ['no CPU', 'POST', 'sessions', wish({ cpu: 0 }), 'cpu: must be >= 0.001'],
    ['many CPUs', 'POST', 'sessions', wish({ cpu: 1025 }), 'cpu: must be <= 1024'],
    ['CPUs in words', 'POST', 'sessions', wish({ cpu: '2' }), 'cpu: must be number'],
    ['negative memory', 'POST', 'sessions', wish({ memory: -1 }), 'memory: must be >= 1048576'],
    ['no storage', 'POST', 'sessions', wish({ storage: 0 }), 'storage: must be >= 1048576'],
    [
      'a long region',
      'POST',
      'sessions',
      wish({ region: 'x'.repeat(129) }),
      'region: must NOT have more than 128 characters',
    ],
    ['an agent that is no id', 'POST', 'sessions', wish({ agent: 'A1' }), 'agent: must be DNS label'],
    [
      'an unknown field',
      'POST',
      'sessions',
      wish({ colour: 'red' }),
      'colour: unknown field; known are template, name, region, agent, cpu, memory, storage',
    ],
    ['a list', 'POST', 'sessions', [], 'body: must be object'],
    [
      'a body where none is',
      'POST',
      'sessions/s1/wake',
      { force: true },
      'force: unknown field; nothing is taken here',
    ],
    ['an id that is none', 'GET', 'sessions/S_1', undefined, 'id: must be DNS label'],
    ['an unknown query', 'GET', 'sessions?colour=red', undefined, 'colour: unknown field; known are user, all'],
    ['a flag that is none', 'GET', 'sessions?all=yes', undefined, 'all: must be one of "true", "false"'],
    [
      'another flag that is none',
      'DELETE',
      'sessions/s1?delete_home=1',
      undefined,
      'delete_home: must be one of "true", "false"',
    ],
    ['a status that is none', 'PATCH', 'agents/a1', { status: 'gone' }, 'status: must be one of "online", "offline"'],
    ['no status', 'PATCH', 'agents/a1', {}, 'status: is required'],
    ['an event id that is none', 'GET', 'events?after=-1', undefined, 'after: must be the id of an event'],
    ['no uses', 'POST', 'agents/enrolments', { uses: 0 }, 'uses: must be >= 1'],
    [
      'a lifetime that is none',
      'POST',
      'agents/enrolments',
      { ttl: '1 year' },
      'ttl: takes a duration such as 500ms, 30s, 5m or 1h30m, from 1s to 720h',
    ],
  ])('%s', async (_what, method, url, body, message) => {
    const answer = await hub.as('admin', method, url, body);
    expect(answer).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(answer.message).toContain(message);
    const [field] = message.split(':');
    expect(answer.body.error.details.fields).toContainEqual({ field, problem: expect.any(String) });
    expect(answer.body.error.retryable).toBe(false);
  });

  it('says everything that is wrong at once', async () => {
    const { body } = await hub.as('alice', 'POST', 'sessions', { cpu: -1, user: 'bob' });
    expect(body.error.details.fields.map((each: { field: string }) => each.field).toSorted()).toEqual([
      'cpu',
      'template',
      'user',
    ]);
  });

  const raw = (payload: string, contentType: string) =>
    hub.as('alice', 'POST', 'sessions', payload, { 'content-type': contentType });
  it('refuses what is no JSON, no type that it knows, or too large', async () => {
    expect(await raw('{', 'application/json')).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('not valid JSON'),
    });
    expect(await raw('', 'application/json')).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('template: is required'),
    });
    expect(await raw('a=b', 'application/x-www-form-urlencoded')).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('application/json'),
    });
    expect(await raw(JSON.stringify({ template: 'x'.repeat(70_000) }), 'application/json')).toMatchObject({
      status: 413,
      code: 'message_too_large',
      message: expect.stringContaining('64 KiB'),
    });
    expect(await raw('{"template":"desktop","__proto__":{"user":"bob"}}', 'application/json')).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  it.each(['/api/v1/nothing', '/api/nothing', '/docs/nothing', '/nothing', '/%ff', '/api/v1/sessions/a/b/c'])(
    'answers %s like any other error',
    async (url) => {
      const answer = await hub.as('alice', 'GET', url);
      expect([400, 404]).toContain(answer.status);
      expect(['not_found', 'invalid_request']).toContain(answer.code);
    },
  );

  it('refuses a long Idempotency-Key', async () => {
    expect(
      await hub.as('alice', 'POST', 'sessions', { template: 'desktop' }, { 'idempotency-key': 'x'.repeat(201) }),
    ).toMatchObject({ status: 400, message: expect.stringContaining('idempotency-key') });
  });
});

describe('what nobody foresaw', () => {
  it('is `internal`, and says nothing of what is inside', async () => {
    await hub.stop();
    hub = await Rest.start({}, (store) => ({
      ...store,
      sessions: { ...store.sessions, list: () => Promise.reject(new Error('password=hunter2')) },
    }));
    const answer = await hub.as('alice', 'GET', 'sessions');
    expect(answer).toMatchObject({ status: 500, code: 'internal' });
    expect(answer.body.error.retryable).toBe(true);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });
});

it('an agent id that is none is refused with a good enrolment token', async () => {
  const { body } = await hub.as('admin', 'POST', 'agents/enrolments', {});
  const authorization = `Bearer ${body.token}`;
  expect(await hub.as(undefined, 'POST', 'agents/enrol', { agent_id: '-a' }, { authorization })).toMatchObject({
    status: 400,
    message: expect.stringContaining('agent_id: must be DNS label'),
  });
});

describe('rate limit', () => {
  it('is per user, and says when to come again', async () => {
    await hub.stop();
    hub = await Rest.start({ RATE_LIMIT: '3' });
    for (let n = 0; n < 3; n += 1) expect((await hub.as('alice', 'GET', 'sessions')).status).toBe(200);
    const refused = await hub.as('alice', 'GET', 'sessions');
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(refused.body.error).toMatchObject({ retryable: true, details: { retry_after_ms: expect.any(Number) } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await hub.as('bob', 'GET', 'sessions')).status).toBe(200);
    expect((await hub.as(undefined, 'GET', 'health')).status).toBe(200);
  });

  it('counts bad enrolment tokens by address', async () => {
    await hub.stop();
    hub = await Rest.start({ RATE_LIMIT: '2' });
    const enrol = () =>
      hub.as(undefined, 'POST', 'agents/enrol', { agent_id: 'a1' }, { authorization: 'Bearer guess' });
    expect([await enrol(), await enrol(), await enrol()].map(({ status }) => status)).toEqual([401, 401, 429]);
  });

  it('does not limit probes', async () => {
    await hub.stop();
    hub = await Rest.start({ RATE_LIMIT: '1' });
    for (let n = 0; n < 5; n += 1)
      for (const url of ['/health', '/ready', 'health', 'ready'])
        expect((await hub.as(undefined, 'GET', url)).status).toBe(200);
  });
});

describe('traces', () => {
  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined],
    ['0af7651916cd43dd8448eb211c80319c', undefined],
  ])('traceparent %s', async (traceparent, expected) => {
    const { headers } = await hub.as('alice', 'GET', 'sessions', undefined, { traceparent });
    expect(headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/);
    if (expected) expect(headers['x-trace-id']).toBe(expected);
    else expect(traceparent).not.toContain(String(headers['x-trace-id']));
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('health and metrics', () => {
  it('says that the store is missing, and stays alive and ready: screens go on without it', async () => {
    expect(await hub.as(undefined, 'GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok', uptime: 0 } });
    await hub.stop();
    hub = await Rest.start({}, (store) => ({ ...store, ping: () => Promise.reject(new Error('down')) }));
    expect(await hub.as(undefined, 'GET', '/health')).toMatchObject({
      status: 200,
      body: { status: 'degraded', missing: [{ what: 'store', reason: expect.stringContaining('down') }] },
    });
    expect((await hub.as(undefined, 'GET', '/ready')).status).toBe(200);
    expect(await hub.scrape()).toContain('streamspace_hub_store_up 0');
  });

  it('gives up on a store that never answers', async () => {
    await hub.stop();
    hub = await Rest.start({}, (store) => ({ ...store, ping: () => new Promise(() => {}) }));
    const health = hub.as(undefined, 'GET', '/health');
    await hub.clock.advance(2_000);
    expect((await health).body).toMatchObject({ status: 'degraded', missing: [{ what: 'store' }] });
    expect(hub.clock.pending).toBe(0);
  });

  it('counts requests, agents and sessions, each app by itself', async () => {
    await hub.as('alice', 'POST', 'sessions', { template: 'desktop' });
    const other = await Rest.start();
    const body = await hub.scrape();
    expect(body).toContain('streamspace_api_agents{connected="true"} 1');
    expect(body).toContain('streamspace_api_sessions_active{agent="a1"} 1');
    expect(body).toMatch(
      /streamspace_api_request_duration_seconds_count\{method="POST",route="\/api\/v1\/sessions",status="202"\} 1/,
    );
    expect(await other.scrape()).toContain('streamspace_api_agents{connected="true"} 0');
    await other.stop();
  });
});
