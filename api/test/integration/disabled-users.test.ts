import { StreamSpaceError } from '@streamspace/protocol';
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { callbackOf, declared, providersOf } from '../support/people.ts';
import { RealProvider } from '../support/real-provider.ts';
import { PUBLIC_URL, type Seen, Visitor } from '../support/visitor.ts';

let provider: RealProvider;
let hub: TestHub;
let other: TestHub;
let third: TestHub;
let visitor: Visitor;
beforeAll(async () => {
  provider = await RealProvider.start({ redirectUris: [callbackOf('company')], signedOut: `${PUBLIC_URL}/` });
});
afterAll(() => provider.stop());
beforeEach(async () => {
  const providers = await providersOf(declared(provider.issuer));
  const start = (beside?: TestHub) => TestHub.start(undefined, beside, { PUBLIC_URL }, providers);
  hub = await start();
  [other, third] = [await start(hub), await start(hub)];
  visitor = new Visitor(hub.port);
});
afterEach(() => Promise.all([hub.stop(), other.stop(), third.stop()]));

const tokenOf = (user: string, role = 'user') =>
  new SignJWT({ roles: [role] })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime(4_000_000_000)
    .sign(new TextEncoder().encode('x'.repeat(64)));
/** A program's request at a replica. */
const ask = async (at: TestHub, token: string, method: string, path: string, body?: object): Promise<Seen> =>
  new Visitor(at.port).send(`/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  });
const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 500) await hub.clock.advance(500);
};

describe('P3 an admin disables a user', () => {
  test('tokens, sign-ins, screens, event streams and tickets end within 5 s at every replica', async () => {
    const admin = await tokenOf('root', 'admin');
    const token = await tokenOf('company:ann');
    await visitor.signIn('company');
    const agent = await hub.welcome();
    await hub.create({ id: 's1', user: 'company:ann' });
    await agent.serve();
    await hub.reaches('s1', 'running');
    const bySignIn = () => visitor.page('POST', '/sessions/s1/ticket', {});
    const byToken = () => ask(other, token, 'POST', '/sessions/s1/ticket', {});
    const screens = [];
    for (const at of [hub, other, third])
      for (const ticket of [bySignIn, byToken]) {
        screens.push(await at.viewer('s1', { ticket: (await ticket()).body.ticket }));
        const { stream_id } = await agent.hear('vnc_connect');
        agent.say({ type: 'vnc_connected', stream_id, credit: 1_000 });
      }
    const bystander = await other.viewer('s1', { ticket: await hub.ticket('s1', 'root', 4e12) });
    await agent.hear('vnc_connect');
    const unused = [(await bySignIn()).body.ticket, (await byToken()).body.ticket] as string[];
    const streams = await Promise.all(
      [hub, other, third].map((at) =>
        fetch(`http://127.0.0.1:${at.port}/api/v1/events`, { headers: { authorization: `Bearer ${token}` } }),
      ),
    );
    for (const at of [hub, other, third]) expect((await ask(at, token, 'GET', '/me')).status).toBe(200);

    expect(await ask(third, admin, 'POST', '/users/disable', { user: 'company:ann' })).toMatchObject({ status: 204 });
    await pass(5_000);
    for (const { closed } of screens)
      expect(await closed).toMatchObject({ code: 4410, reason: expect.stringContaining('is disabled') as unknown });
    for (const stream of streams) expect(await stream.text()).toContain(': user company:ann is disabled');
    for (const at of [hub, other, third]) {
      expect(await ask(at, token, 'GET', '/me')).toMatchObject({
        status: 401,
        body: { error: { message: expect.stringContaining('company:ann is disabled') as unknown } },
      });
      visitor.port = at.port;
      expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
    }
    for (const ticket of unused) await expect(hub.viewer('s1', { ticket })).rejects.toMatchObject({ status: 401 });
    expect(bystander.ws.readyState).toBe(1);
    expect(await visitor.signIn('company')).toBe(`${PUBLIC_URL}/#/sign-in/user_disabled/company`);
    expect((await hub.session('s1')).state).toBe('running');

    expect((await ask(hub, admin, 'GET', '/users/disabled')).body.items).toMatchObject([
      { user: 'company:ann', disabled_by: 'root' },
    ]);
    await ask(hub, admin, 'POST', '/users/enable', { user: 'company:ann' });
    await pass(1_000);
    for (const at of [hub, other, third]) expect((await ask(at, token, 'GET', '/me')).status).toBe(200);
    // the sign-in is gone, and there can be a new one
    expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
    expect(await visitor.signIn('company')).toBe(`${PUBLIC_URL}/#/`);
  });

  test('goes on with the users that it knows while the store is away', async () => {
    const token = await tokenOf('company:ann');
    await hub.store.disabledUsers.put({ user: 'company:ann', at: 0, by: 'root' });
    const bob = await tokenOf('bob');
    expect((await ask(hub, token, 'GET', '/me')).status).toBe(401);
    hub.store.disabledUsers.version = () => Promise.reject(new Error('away'));
    await pass(5_000);
    expect((await ask(hub, token, 'GET', '/me')).status).toBe(401);
    expect((await ask(hub, bob, 'GET', '/me')).status).toBe(200);
  });

  test('lets nobody in whom it can not judge: with a store that never answered', async () => {
    const list = vi
      .spyOn(hub.store.disabledUsers, 'list')
      .mockRejectedValue(new StreamSpaceError('store_unavailable', 'away'));
    const token = await tokenOf('bob');
    for (let n = 0; n < 3; n += 1)
      expect(await ask(hub, token, 'GET', '/me')).toMatchObject({
        status: 503,
        body: { error: { code: 'store_unavailable' } },
      });
    list.mockRestore();
    expect((await ask(hub, token, 'GET', '/me')).status).toBe(200);
  });

  test('only an admin, and not oneself', async () => {
    const admin = await tokenOf('root', 'admin');
    expect(await ask(hub, await tokenOf('bob'), 'POST', '/users/disable', { user: 'root' })).toMatchObject({
      status: 403,
    });
    expect(await ask(hub, admin, 'POST', '/users/disable', { user: 'root' })).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    for (const body of [{}, { user: '' }, { user: 'x'.repeat(257) }, { user: 1 }])
      expect(await ask(hub, admin, 'POST', '/users/disable', body)).toMatchObject({ status: 400 });
    await ask(hub, admin, 'POST', '/users/enable', { user: 'unknown' });
  });
});

describe('P3 one’s own sign-ins', () => {
  test('are listed with the browser, and end one by one or all', async () => {
    const phone = new Visitor(other.port);
    const tablet = new Visitor(third.port);
    for (const each of [visitor, phone, tablet]) {
      await each.signIn('company');
      await pass(1_000);
    }
    const { items } = (await visitor.page('GET', '/sign-ins')).body;
    expect(items).toHaveLength(3);
    expect(items[0]).toMatchObject({
      provider: 'company',
      address: '127.0.0.1',
      browser: expect.any(String) as unknown,
      current: false,
    });
    const own = items.filter(({ current }: { current: boolean }) => current);
    expect(own).toHaveLength(1);
    // the phone's
    const { id } = items.find(({ current }: { current: boolean }) => !current);
    const ended = [phone, tablet][items[0].id === id ? 1 : 0]!;
    const left = ended === phone ? tablet : phone;
    expect(await visitor.page('DELETE', `/sign-ins/${id}`)).toMatchObject({ status: 200, cookies: [] });
    expect((await ended.page('GET', '/me')).status).toBe(401);
    expect((await left.page('GET', '/me')).status).toBe(200);
    expect(await visitor.page('DELETE', `/sign-ins/${id}`)).toMatchObject({ status: 404 });

    provider.account = 'bob';
    const bob = new Visitor(hub.port);
    await bob.signIn('company');
    provider.account = 'ann';
    expect(await bob.page('DELETE', `/sign-ins/${own[0].id}`)).toMatchObject({ status: 404 });
    const { body, cookies } = await visitor.page('DELETE', '/sign-ins');
    expect(new URL(body.provider_sign_out).origin).toBe(provider.issuer);
    expect(cookies[0]).toContain('Max-Age=0');
    for (const each of [visitor, left]) expect((await each.page('GET', '/me')).status).toBe(401);
    expect((await bob.page('GET', '/me')).status).toBe(200);
  });
});
