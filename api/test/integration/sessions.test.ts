import { Accepted, type Session, Ticket } from '@streamspace/protocol';
import { Compile } from 'typebox/compile';
import { StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CAPACITY, GIB } from '../support/records.ts';
import { FAILOVER_MS } from '../../src/sessions/placement.ts';
import { Rest } from '../support/rest.ts';

let hub: Rest;
beforeEach(async () => {
  hub = await Rest.start();
});
afterEach(() => hub.stop());

const create = (who = 'alice', wish: object = {}, headers = {}) =>
  hub.as(who, 'POST', 'sessions', { template: 'desktop', ...wish }, headers);
const set = (id: string, state: Session['state']) => hub.store.sessions.update(id, { state });

describe('creating a session', () => {
  it('[CMD2] says 202 when session and command are stored, and wakes the dispatcher', async () => {
    await hub.agent('a1');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { status, body } = await create('alice', { name: 'Mine', cpu: 2, memory: 2 * GIB }, { traceparent });
    expect(status).toBe(202);
    expect(Compile(Accepted).Errors(body)).toEqual([]);
    const { session, command } = body;
    expect(session).toMatchObject({
      name: 'Mine',
      user: 'alice',
      agent: 'a1',
      platform: 'process',
      region: 'eu',
      state: 'pending',
      cpu: 2,
      memory: 2 * GIB,
      command: command.id,
    });
    expect(command).toMatchObject({
      action: 'create_session',
      agent: 'a1',
      session: session.id,
      user: 'alice',
      state: 'pending',
      attempt: 0,
    });
    expect(command.trace_id).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(Date.parse(command.expires_at) - Date.parse(command.created_at)).toBe(3_600_000);
    expect(hub.links.woken).toEqual(['a1']);
    const [stored] = await hub.store.commands.open('a1');
    expect(stored).toMatchObject({
      id: command.id,
      payload: { spec: { id: session.id, user: 'alice', template: 'desktop', cpu: 2, image: '', env: {} } },
    });
    expect((await hub.as('alice', 'GET', `sessions/${session.id}`)).body).toEqual(session);
    expect((await hub.as('alice', 'GET', `commands/${command.id}`)).body).toEqual(command);
  });

  it('takes the template for what is not asked for, and its image where images are run', async () => {
    await hub.agent('k8s', { platform: 'kubernetes' });
    const { body } = await create('alice', { template: 'terminal' });
    expect(body.session).toMatchObject({ name: 'Terminal', cpu: 0.25, memory: GIB / 4, storage: 5 * GIB });
    expect((await hub.store.commands.open('k8s'))[0]!.payload.spec).toMatchObject({
      image: 'streamspace/desktop:latest',
    });
  });

  it('failure 12: places by capacity and region, counts what is placed, and says why it refuses', async () => {
    const capacity = { ...CAPACITY, cpu: 4 };
    await hub.agent('here', { region: 'eu-west-1', capacity });
    await hub.agent('there', { region: 'us-east-1', capacity });
    const place = async (cpu: number) => (await create('alice', { cpu, region: 'eu-west-1' })).body.session?.agent;
    expect(await place(3)).toBe('here');
    expect((await hub.as('bob', 'GET', 'agents/here')).body).toMatchObject({ active_sessions: 1 });
    expect(await place(2)).toBe('there');
    expect(await place(1)).toBe('here');
    const refused = await create('alice', { cpu: 4, region: 'eu-west-1' });
    expect(refused).toMatchObject({ status: 503, code: 'no_placement' });
    expect(refused.message).toBe(
      'no place for the session: 2 agents online, none with 4 CPUs free in eu-west-1 or elsewhere',
    );
    expect(refused.body.error.retryable).toBe(true);
    await hub.as('admin', 'PATCH', 'agents/there', { status: 'offline' });
    expect((await create('alice', { cpu: 1, agent: 'there' })).message).toContain('agent there is being drained');
  });

  it('V10 a region that no agent names is said, and what no agent could hold is not to be tried again', async () => {
    await hub.agent('here', { region: 'eu-west-1', capacity: { ...CAPACITY, cpu: 4 } });
    expect(await create('alice', { region: 'mars' })).toMatchObject({
      status: 400,
      code: 'region_unknown',
      message: 'there is no region mars; there are eu-west-1',
      body: { error: { retryable: false } },
    });
    const large = await create('alice', { cpu: 1_000 });
    expect(large).toMatchObject({ status: 422, code: 'too_large', body: { error: { retryable: false } } });
    expect(large.message).toContain('no agent is as large, even when empty: the most CPUs are 4,');
    // what is only full is worth another try
    expect((await create('alice', { cpu: 4 })).status).toBe(202);
    expect(await create('alice', { cpu: 4 })).toMatchObject({
      code: 'no_placement',
      body: { error: { retryable: true } },
    });
  });

  it('failure 12: never places more than fits, however many ask at once', async () => {
    await hub.agent('a1', { capacity: { ...CAPACITY, cpu: 3 } });
    await hub.agent('a2', { capacity: { ...CAPACITY, cpu: 2 } });
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => create(`user${n}`)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
    expect(answers.filter(({ status }) => status !== 202).map(({ code }) => code)).toEqual(
      Array.from({ length: 7 }, () => 'no_placement'),
    );
  });

  it('takes the next agent when the first fills up between choosing and storing', async () => {
    await hub.stop();
    const tried: string[] = [];
    hub = await Rest.start({}, (store) => ({
      ...store,
      sessions: {
        ...store.sessions,
        create: async (session, ...rest) => {
          tried.push(session.agent);
          return session.agent === 'a1' ? 'at_capacity' : store.sessions.create(session, ...rest);
        },
      },
    }));
    await hub.agent('a1', { priority: 'high' });
    expect((await create()).message).toContain('none with room for another session');
    await hub.agent('a2');
    expect((await create()).body.session.agent).toBe('a2');
    expect(tried).toEqual(['a1', 'a1', 'a2']);
  });

  it('names the templates that there are', async () => {
    await hub.agent('a1');
    expect(await create('alice', { template: 'nope' })).toMatchObject({
      status: 400,
      code: 'template_unknown',
      message: 'there is no template nope; there are desktop, terminal',
    });
  });

  it('makes one session of a repeat with the same Idempotency-Key', async () => {
    await hub.agent('a1', { capacity: { ...CAPACITY, max_sessions: 1 } });
    const key = { 'idempotency-key': 'k1' };
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => create('alice', {}, key)));
    for (const other of others) expect(other).toMatchObject({ status: 202, body: first!.body });
    await set(first!.body.session.id, 'running');
    expect((await create('alice', {}, key)).body.session).toMatchObject({
      id: first!.body.session.id,
      state: 'running',
    });
    expect(await create('alice', { name: 'Another' }, key)).toMatchObject({ status: 409, code: 'conflict' });
    expect(await create('bob', {}, key)).toMatchObject({ code: 'no_placement' });
    expect(hub.links.woken).toEqual(['a1']);
  });
});

describe('[AUTH2] whose session it is', () => {
  let id: string;
  let commandId: string;
  beforeEach(async () => {
    await hub.agent('a1');
    const { session, command } = (await create()).body;
    [id, commandId] = [session.id, command.id];
    await set(id, 'running');
  });

  it("another user's is not_found, for everything that can be done with it", async () => {
    const asked = [
      ['GET', `sessions/${id}`],
      ['DELETE', `sessions/${id}`],
      ['POST', `sessions/${id}/hibernate`],
      ['POST', `sessions/${id}/wake`],
      ['POST', `sessions/${id}/ticket`],
    ] as const;
    for (const [method, url] of asked) {
      const answer = await hub.as('bob', method, url);
      expect(answer).toMatchObject({ status: 404, code: 'not_found', message: `there is no session ${id}` });
      // not even whether it exists may be told
      expect(answer.message.replace(id, 'x')).toBe(
        (await hub.as('bob', method, url.replace(id, 'none'))).message.replace('none', 'x'),
      );
    }
    expect(await hub.as('bob', 'GET', `commands/${commandId}`)).toMatchObject({ status: 404, code: 'not_found' });
    expect((await hub.as('bob', 'GET', 'sessions')).body).toEqual({ items: [] });
    expect((await hub.as('alice', 'GET', `sessions/${id}`)).body.state).toBe('running');
  });

  it("an admin sees and changes everybody's; what an admin did to one's session is one's own to see", async () => {
    expect((await hub.as('admin', 'GET', `sessions/${id}`)).body.id).toBe(id);
    expect((await hub.as('admin', 'GET', 'sessions')).body.items).toEqual([]);
    for (const query of ['?user=alice', '?all=true'])
      expect((await hub.as('admin', 'GET', `sessions${query}`)).body.items).toHaveLength(1);
    const { command } = (await hub.as('admin', 'POST', `sessions/${id}/hibernate`)).body;
    expect(command.user).toBe('admin');
    expect((await hub.as('alice', 'GET', `commands/${command.id}`)).status).toBe(200);
    expect((await hub.as('bob', 'GET', `commands/${command.id}`)).status).toBe(404);
  });

  it("lists one's own, newest first, without those that are gone", async () => {
    await hub.clock.advance(1_000);
    const second = (await create()).body.session.id;
    await create('bob');
    const list = async () => (await hub.as('alice', 'GET', 'sessions')).body.items.map((each: Session) => each.id);
    expect(await list()).toEqual([second, id]);
    await set(second, 'gone');
    expect(await list()).toEqual([id]);
    for (const query of ['?user=bob', '?all=true'])
      expect(await hub.as('alice', 'GET', `sessions${query}`)).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await hub.as('alice', 'GET', 'sessions?user=alice')).status).toBe(200);
  });
});

describe('changing a session', () => {
  let id: string;
  beforeEach(async () => {
    await hub.agent('a1');
    id = (await create()).body.session.id;
    await set(id, 'running');
    hub.links.woken.length = 0;
  });
  const ask = (what: string) =>
    what === 'delete' ? hub.as('alice', 'DELETE', `sessions/${id}`) : hub.as('alice', 'POST', `sessions/${id}/${what}`);

  it.each([
    ['hibernate', 'running', 'hibernating', 'hibernate_session'],
    ['wake', 'hibernated', 'waking', 'wake_session'],
    ['wake', 'failed', 'waking', 'wake_session'],
    ['delete', 'running', 'deleting', 'delete_session'],
    ['delete', 'pending', 'deleting', 'delete_session'],
  ] as const)(
    '[SES1] %s from %s: 202, and the command is stored with the new state',
    async (what, from, during, action) => {
      await set(id, from);
      const { status, body } = await ask(what);
      expect(status).toBe(202);
      expect(body).toMatchObject({
        session: { id, state: during, command: body.command.id },
        command: { action, state: 'pending', session: id },
      });
      expect(await hub.store.sessions.get(id)).toEqual(body.session);
      expect((await hub.store.commands.open('a1')).map((each) => each.action)).toEqual(['create_session', action]);
      expect(hub.links.woken).toEqual(['a1']);
    },
  );

  it.each(['hibernate', 'delete'])(
    'a second %s while the first is under way is success, with the same command',
    async (what) => {
      const first = (await ask(what)).body;
      const second = await ask(what);
      expect(second).toMatchObject({ status: 202, body: first });
      expect(await hub.store.commands.open('a1')).toHaveLength(2);
    },
  );

  it('[CMD2] nor is a second one accepted while the store may still lose the first', async () => {
    const first = (await ask('delete')).body;
    const get = hub.store.commands.get.bind(hub.store.commands);
    hub.store.commands.get = (command, lasting) =>
      lasting ? Promise.reject(new StreamSpaceError('store_unavailable', 'no replica has it')) : get(command);
    expect(await ask('delete')).toMatchObject({ status: 503, code: 'store_unavailable' });
    hub.store.commands.get = get;
    expect(await ask('delete')).toMatchObject({ status: 202, body: first });
  });

  it('refuses what its state does not allow, and says why', async () => {
    expect(await ask('wake')).toMatchObject({
      status: 409,
      code: 'conflict',
      message: `session ${id} is running and can't wake now: it runs already`,
    });
    await set(id, 'gone');
    expect(await ask('delete')).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('keeps the home, unless asked', async () => {
    await ask('delete');
    expect((await hub.store.commands.open('a1'))[1]!.payload).toEqual({ delete_home: false });
    await set(id, 'running');
    await hub.as('alice', 'DELETE', `sessions/${id}?delete_home=true`);
    expect((await hub.store.commands.open('a1'))[2]!.payload).toEqual({ delete_home: true });
  });

  it('wakes only where there is room, and not where an operator drains; one that is away keeps the command', async () => {
    await set(id, 'hibernated');
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'offline' });
    expect(await ask('wake')).toMatchObject({ status: 503, code: 'agent_offline' });
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'online' });
    await hub.store.agents.heartbeat(
      'a1',
      'conn-a1',
      {
        type: 'heartbeat',
        seq: 1,
        status: 'online',
        capacity: { ...CAPACITY, max_sessions: 0 },
        active_sessions: 0,
        replicas: [],
      },
      '2026-01-01T00:00:00Z',
    );
    expect(await ask('wake')).toMatchObject({ status: 503, code: 'at_capacity' });
    await hub.store.agents.heartbeat(
      'a1',
      'conn-a1',
      { type: 'heartbeat', seq: 1, status: 'online', capacity: CAPACITY, active_sessions: 0, replicas: [] },
      '2026-01-01T00:00:00Z',
    );
    await hub.store.agents.release('a1', 'conn-a1', '2026-01-01T00:00:00Z');
    expect((await ask('wake')).status).toBe(202);
  });
});

it('refuses nobody for what was so a moment ago: a refusal is of what has just been read', async () => {
  await hub.agent('a1', { capacity: { ...CAPACITY, max_sessions: 1 } });
  const ask = () => hub.as('alice', 'POST', 'sessions', { template: 'desktop' });
  const { session } = (await ask()).body;
  expect(await ask()).toMatchObject({ status: 503, code: 'no_placement' });
  // the time stands still: what was read is as good as new, and nobody said that the session has gone
  await hub.store.sessions.remove(session.id);
  expect((await ask()).status).toBe(202);
});

describe('K9 an agent between two leaders', () => {
  const ask = () => hub.as('alice', 'POST', 'sessions', { template: 'desktop' });
  const now = () => iso(hub.clock.now());

  it('takes new sessions, which wait for its next leader', async () => {
    const connection = await hub.agent('a1');
    // placement has seen it connected
    expect((await ask()).status).toBe(202);
    await hub.store.agents.release('a1', connection, now());
    const { status, body } = await ask();
    expect([status, body.session.agent, body.command.state]).toEqual([202, 'a1', 'pending']);
    expect((await hub.as('alice', 'GET', 'agents')).body.items[0]).not.toHaveProperty('away_since');
    await hub.clock.advance(FAILOVER_MS + 1);
    expect(await ask()).toMatchObject({ status: 503, code: 'no_placement' });
  });

  it('refuses while it is drained, and when it is not expected back', async () => {
    const connection = await hub.agent('a1');
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'offline' });
    await hub.store.agents.release('a1', connection, now());
    expect(await ask()).toMatchObject({ status: 503, code: 'no_placement' });
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'online' });
    expect((await ask()).status).toBe(202);
    await hub.agent('a1');
    await hub.store.agents.release('a1', connection, null);
    // nobody said so: placement reads it within 5 s
    await hub.clock.advance(5_000);
    expect(await ask()).toMatchObject({ status: 503, code: 'no_placement' });
  });
});

it('makes one command of many deletes at once, however they interleave', async () => {
  await hub.stop();
  // reads that take their time: all have read the session before the first one writes
  let readers = 0;
  let allRead = (): void => {};
  const gate = new Promise<void>((resolve) => (allRead = resolve));
  hub = await Rest.start({}, (store) => ({
    ...store,
    sessions: {
      ...store.sessions,
      get: async (id) => {
        const session = await store.sessions.get(id);
        if ((readers += 1) === 8) allRead();
        await gate;
        return session;
      },
    },
  }));
  await hub.agent('a1');
  const { id } = (await create()).body.session;
  const answers = await Promise.all(Array.from({ length: 8 }, () => hub.as('alice', 'DELETE', `sessions/${id}`)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
  expect(new Set(answers.map(({ body }) => body.command.id)).size).toBe(1);
  expect(await hub.store.commands.open('a1')).toHaveLength(2);
});

describe('[VIEW2] tickets', () => {
  let id: string;
  beforeEach(async () => {
    await hub.agent('a1');
    id = (await create()).body.session.id;
  });

  it('are for sessions that run', async () => {
    expect(await hub.as('alice', 'POST', `sessions/${id}/ticket`)).toMatchObject({
      status: 409,
      code: 'session_not_running',
    });
    await set(id, 'hibernated');
    expect((await hub.as('alice', 'POST', `sessions/${id}/ticket`)).message).toContain('wake it first');
  });

  it('are used once, for their session, within their time', async () => {
    await set(id, 'running');
    const make = async () => {
      const { status, body } = await hub.as('alice', 'POST', `sessions/${id}/ticket`);
      expect(status).toBe(201);
      expect(Compile(Ticket).Errors(body)).toEqual([]);
      expect(body.url).toBe(`/api/v1/sessions/${id}/vnc?ticket=${body.ticket}`);
      return body.ticket as string;
    };
    const takeTicket = (value: string | undefined, session: string) => hub.links.deps!.takeTicket(value, session);
    const ticket = await make();
    expect(await takeTicket(ticket, id)).toMatchObject({ session: id, user: 'alice' });
    await expect(takeTicket(ticket, id)).rejects.toMatchObject({ code: 'ticket_invalid' });
    await expect(takeTicket(await make(), 's-another')).rejects.toMatchObject({
      code: 'ticket_invalid',
      message: expect.stringContaining('another session'),
    });
    const late = await make();
    await hub.clock.advance(30_001);
    await expect(takeTicket(late, id)).rejects.toMatchObject({
      code: 'ticket_invalid',
      message: expect.stringContaining('expired'),
    });
    for (const none of [undefined, '', 'x'.repeat(10_000)])
      await expect(takeTicket(none, id)).rejects.toMatchObject({ code: 'ticket_invalid' });
  });

  it('V3 [VIEW7] a WebSocket that lost its Upgrade on the way is known by its ticket, to whoever has that', async () => {
    await set(id, 'running');
    const make = async () => (await hub.as('alice', 'POST', `sessions/${id}/ticket`)).body.url as string;
    const ask = (url: string, headers = {}) => hub.as(undefined, 'GET', url, undefined, headers);
    const lost = {
      status: 400,
      code: 'invalid_request',
      message: expect.stringMatching(
        /lose their Upgrade.*Host hub, Connection close, no Upgrade; PUBLIC_URL is not set\. nginx needs/,
      ),
      body: { error: { details: { without_upgrade: true } } },
    };
    const handshake = { 'sec-websocket-key': 'x', connection: 'close', host: 'hub' };
    const url = await make();
    expect((await ask(url)).message).toMatch(/WebSockets only/);
    expect(await ask(url, handshake)).toMatchObject(lost);
    expect(await ask(url, { connection: 'close', host: 'hub' })).toMatchObject(lost);
    // once: the ticket was used, and what it became is said
    expect((await ask(url)).message).toMatch(/WebSockets only/);
    expect(await ask(url, handshake)).toMatchObject({ code: 'ticket_invalid' });
    expect(await ask(`/api/v1/sessions/${id}/vnc?ticket=${'x'.repeat(600)}`, handshake)).toMatchObject({ status: 400 });
    expect(await ask('/api/v1/agent/connect', handshake)).toMatchObject(lost);
    expect((await ask('/api/v1/agent/connect')).message).toMatch(/WebSockets only/);
  });

  it('V3 carry the path of PUBLIC_URL', async () => {
    const under = await Rest.start({ PUBLIC_URL: 'https://example.com/streamspace' });
    await under.agent('a1');
    const { session } = (await under.as('alice', 'POST', 'sessions', { template: 'desktop' })).body;
    await under.store.sessions.update(session.id, { state: 'running' });
    const { body } = await under.as('alice', 'POST', `sessions/${session.id}/ticket`);
    expect(body.url).toBe(`/streamspace/api/v1/sessions/${session.id}/vnc?ticket=${body.ticket}`);
    await under.stop();
  });
});
