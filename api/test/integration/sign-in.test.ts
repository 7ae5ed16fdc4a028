import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { callbackOf, declared, providersOf } from '../support/people.ts';
import { RealProvider } from '../support/real-provider.ts';
import { PUBLIC_URL, Visitor } from '../support/visitor.ts';

const ENV = { PUBLIC_URL, SIGN_IN_IDLE: '30m', SIGN_IN_LIFETIME: '1h' };

let provider: RealProvider;
let hub: TestHub;
let other: TestHub;
let visitor: Visitor;
beforeAll(async () => {
  provider = await RealProvider.start({
    redirectUris: ['company', 'second'].map(callbackOf),
    signedOut: `${PUBLIC_URL}/`,
  });
});
afterAll(() => provider.stop());
beforeEach(async () => {
  provider.account = 'ann';
  const providers = await providersOf(
    declared(provider.issuer),
    declared(provider.issuer, { id: 'second', name: 'Second', user_prefix: '2/' }),
  );
  hub = await TestHub.start(undefined, undefined, ENV, providers);
  other = await TestHub.start(undefined, hub, ENV, providers);
  visitor = new Visitor(hub.port);
});
afterEach(async () => {
  await Promise.all([hub.stop(), other.stop()]);
});

describe('P1 sign-in at a provider (oidc-provider)', () => {
  test('any replica finishes what another began; the page gets no token, but a cookie that no script reads', async () => {
    const back = await visitor.untilBack('company', '?return_to=/agents');
    visitor.port = other.port;
    const done = await visitor.send(back);
    expect(done).toMatchObject({ status: 302, location: `${PUBLIC_URL}/#/agents` });
    expect(done.cookies).toHaveLength(1);
    expect(done.cookies[0]).toMatch(
      /^streamspace-session=[0-9a-f]{32}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=3600$/,
    );
    visitor.port = hub.port;
    expect((await visitor.page('GET', '/me')).body).toMatchObject({
      user: 'company:ann',
      name: 'Ann Ä.',
      roles: ['admin', 'user'],
      groups: ['staff', 'ops'],
      provider: 'company',
    });
    expect((await visitor.page('GET', '/sessions?all=true')).status).toBe(200);
    // nothing of the provider's is readable in the store
    const [kept] = await hub.store.signIns.list(done.cookies[0]!.slice('streamspace-session='.length).split('.')[0]!);
    expect(JSON.stringify(kept)).not.toMatch(/eyJ/);
  });

  test('the rules of the settings give the role: a user sees no other sessions, and without a rule nobody comes in', async () => {
    provider.account = 'bob';
    expect(await visitor.signIn('company')).toBe(`${PUBLIC_URL}/#/`);
    expect((await visitor.page('GET', '/me')).body).toMatchObject({ user: 'company:bob', roles: ['user'] });
    expect(await visitor.page('GET', '/sessions?all=true')).toMatchObject({ status: 403 });
    const stranger = new Visitor(hub.port);
    provider.account = 'eve';
    expect(await stranger.signIn('company')).toBe(`${PUBLIC_URL}/#/sign-in/no_role/company`);
    expect(await stranger.page('GET', '/me')).toMatchObject({ status: 401 });
  });

  test('two providers name different users, though both say the same of them', async () => {
    await visitor.signIn('second');
    expect((await visitor.page('GET', '/me')).body.user).toBe('2/ann');
  });

  test('the sign-in page is told the providers, and tokens of programs go on', async () => {
    expect((await visitor.send('/api/v1/sign-in/providers')).body).toEqual({
      items: [
        { id: 'company', name: 'The company' },
        { id: 'second', name: 'Second' },
      ],
    });
    await visitor.signIn('company');
    // what sends a token is judged by it, whatever cookie comes along
    const headers = { authorization: 'Bearer nonsense', 'x-streamspace': '1' };
    expect(await visitor.send('/api/v1/me', { headers })).toMatchObject({ status: 401 });
    // of a proxy in front, which the browser sends along
    const basic = { ...headers, authorization: 'Basic dXNlcjpwYXNz' };
    expect(await visitor.send('/api/v1/me', { headers: basic })).toMatchObject({ status: 200 });
  });

  test('state reuse: a state is good once, in the browser that began, for that provider, for ten minutes', async () => {
    const invalid = `${PUBLIC_URL}/#/sign-in/state_invalid/company`;
    const back = await visitor.untilBack('company');
    // of somebody else, who saw the address: nothing is used up
    expect((await new Visitor(hub.port).send(back)).location).toBe(invalid);
    expect((await visitor.send(back)).location).toBe(`${PUBLIC_URL}/#/`);
    expect(await visitor.send(back)).toMatchObject({ location: invalid, cookies: [] });

    // of another browser on its way: nobody is signed in as somebody else by a link (login CSRF)
    const victim = new Visitor(hub.port);
    await victim.untilBack('company');
    expect(await victim.send(await visitor.untilBack('company'))).toMatchObject({ location: invalid, cookies: [] });

    const moved = (await visitor.untilBack('company')).replace('/callback/company', '/callback/second');
    expect((await visitor.send(moved)).location).toBe(`${PUBLIC_URL}/#/sign-in/state_invalid/second`);

    const late = await visitor.untilBack('company');
    await hub.clock.advance(600_001);
    expect((await visitor.send(late)).location).toBe(invalid);
    for (const search of ['', '?code=x', '?state=', `?state=${'x'.repeat(43)}&code=x`, '?state=%00&code=x'])
      expect((await visitor.send(`${callbackOf('company')}${search}`)).location, search).toBe(invalid);
  });

  test('code injection: a code of another sign-in does not fit', async () => {
    const attacker = new Visitor(hub.port);
    provider.account = 'bob';
    const theirs = new URL(await attacker.untilBack('company'));
    provider.account = 'ann';
    const own = new URL(await visitor.untilBack('company'));
    own.searchParams.set('code', theirs.searchParams.get('code')!);
    const done = await visitor.send(own.href);
    expect(done).toMatchObject({ location: `${PUBLIC_URL}/#/sign-in/provider_refused/company`, cookies: [] });
    // a parameter twice, or the issuer of another
    for (const change of [
      (url: URL) => url.searchParams.append('code', 'x'),
      (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
    ]) {
      const url = new URL(await visitor.untilBack('company'));
      change(url);
      const { location, cookies } = await visitor.send(url.href);
      expect(location).toMatch(/#\/sign-in\/(answer_invalid|provider_unreachable)\/company$/);
      expect(cookies).toEqual([]);
    }
  });

  test('open redirects: wherever one asks to return to, it is a page of this hub', async () => {
    for (const wish of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/%5cevil.example//x',
      '/agents?to=https://evil.example',
      '/x&token=eyJ',
      '/#token=eyJ',
      '/a\r\nset-cookie: x=y',
      'javascript:alert(1)',
      `/${'x'.repeat(400)}`,
    ]) {
      const { origin, pathname, search, hash } = new URL(
        await visitor.signIn('company', `?return_to=${encodeURIComponent(wish)}`),
      );
      expect({ origin, pathname, search }, wish).toEqual({ origin: PUBLIC_URL, pathname: '/', search: '' });
      expect(hash, wish).toMatch(/^#\/(%5cevil\.example)?$/);
    }
    expect(await visitor.signIn('company', '?return_to=/sessions/s-1')).toBe(`${PUBLIC_URL}/#/sessions/s-1`);
    // the problem of an unknown provider, too
    expect((await visitor.send('/api/v1/sign-in/start/unknown')).location).toBe(
      `${PUBLIC_URL}/#/sign-in/provider_unknown`,
    );
  });

  test('cookie tossing: a second cookie of the name, a made one and a damaged one sign nobody in', async () => {
    await visitor.signIn('company');
    const good = `streamspace-session=${visitor.cookies.get(PUBLIC_URL)!.get('streamspace-session')!.value}`;
    const made = `streamspace-session=${'0'.repeat(32)}.${'x'.repeat(43)}`;
    const ask = (cookie: string) =>
      new Visitor(hub.port).send('/api/v1/me', { headers: { cookie, 'x-streamspace': '1' } });
    expect((await ask(good)).status).toBe(200);
    for (const cookie of [
      `${good}; ${made}`,
      `${made}; ${good}`,
      made,
      'streamspace-session=',
      `${good}x`,
      good.replace('=', '=x'),
      // the secret of one user with the name of another
      good.replace(/=[0-9a-f]{32}/, `=${'0'.repeat(32)}`),
      `other=1; x${good}`,
    ])
      expect((await ask(cookie)).status, cookie).toBe(401);
  });

  test('CSRF: only the page itself may use the cookie', async () => {
    await visitor.signIn('company');
    const change = (headers: Record<string, string>) =>
      visitor.send('/api/v1/agents/enrolments', { method: 'POST', body: {}, headers });
    const header = { 'x-streamspace': '1' };
    expect(await change({ ...header, origin: PUBLIC_URL })).toMatchObject({ status: 201 });
    expect(await change(header)).toMatchObject({ status: 403, body: { error: { code: 'origin_refused' } } });
    expect(await change({ origin: PUBLIC_URL })).toMatchObject({ status: 401 });
    // of ALLOWED_ORIGINS: for tokens only
    for (const origin of ['https://ok.example', 'https://evil.example', 'null', `${PUBLIC_URL}.evil.example`])
      expect(await change({ ...header, origin }), origin).toMatchObject({ status: 403 });
    expect(await visitor.send('/api/v1/me')).toMatchObject({ status: 401 });
  });

  test('a sign-in ends without use, at the latest after its lifetime; use prolongs it', async () => {
    await visitor.signIn('company');
    for (const minutes of [0, 25, 50]) {
      await hub.clock.advance(minutes === 0 ? 0 : 25 * 60_000);
      expect((await visitor.page('GET', '/me')).status, `${minutes}`).toBe(200);
    }
    await hub.clock.advance(10 * 60_000);
    expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
    await visitor.signIn('company');
    await hub.clock.advance(30 * 60_000);
    expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
  });

  test('signs out here, and at the provider by its own page', async () => {
    await visitor.signIn('company');
    const cookies = [...visitor.cookies.get(PUBLIC_URL)!];
    const { body, cookies: set } = await visitor.page('DELETE', '/sign-ins/current');
    expect(set[0]).toMatch(/^streamspace-session=; .*Max-Age=0$/);
    expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
    visitor.cookies.set(PUBLIC_URL, new Map(cookies));
    visitor.port = other.port;
    expect(await visitor.page('GET', '/me')).toMatchObject({ status: 401 });
    const page = new URL(body.provider_sign_out);
    expect(page.origin).toBe(provider.issuer);
    expect(page.searchParams.get('post_logout_redirect_uri')).toBe(`${PUBLIC_URL}/`);
    // the provider knows the token and the address: it asks the user, and complains about nothing
    expect(await visitor.send(page.href)).toMatchObject({
      status: 200,
      text: expect.stringContaining('<form') as unknown,
    });
  });

  test('screens and event streams end with the sign-in, at every replica, and not before', async () => {
    provider.account = 'ann';
    await visitor.signIn('company');
    const agent = await hub.welcome();
    await hub.create({ id: 's1', user: 'company:ann' });
    await agent.serve();
    await hub.reaches('s1', 'running');
    const screens = [];
    for (const at of [hub, other]) {
      const { body } = await visitor.page('POST', '/sessions/s1/ticket', {});
      screens.push(await at.viewer('s1', { ticket: body.ticket }));
      const { stream_id } = await agent.hear('vnc_connect');
      agent.say({ type: 'vnc_connected', stream_id, credit: 1_000 });
    }
    const unused = (await visitor.page('POST', '/sessions/s1/ticket', {})).body.ticket as string;
    const events = await stream();

    await visitor.page('DELETE', '/sign-ins/current');
    for (let ms = 0; ms < 5_000; ms += 500) await hub.clock.advance(500);
    for (const { closed } of screens)
      expect(await closed).toMatchObject({
        code: 4410,
        reason: expect.stringContaining('sign-in has ended') as unknown,
      });
    expect(await events.text()).toContain(': your sign-in has ended');
    await expect(hub.viewer('s1', { ticket: unused })).rejects.toMatchObject({ status: 401 });
  });

  test('an event stream lasts as long as the sign-in is used, and ends when it is not', async () => {
    await visitor.signIn('company');
    let over = false;
    const events = (await stream()).text().finally(() => (over = true));
    await hub.clock.advance(25 * 60_000);
    expect((await visitor.page('GET', '/me')).status).toBe(200);
    await hub.clock.advance(25 * 60_000);
    expect(over).toBe(false);
    await hub.clock.advance(10 * 60_000);
    expect(await events).toContain(': your sign-in has ended');
  });
});

/** An event stream of the visitor, from the other replica. */
function stream(): Promise<Response> {
  const cookie = `streamspace-session=${visitor.cookies.get(PUBLIC_URL)!.get('streamspace-session')!.value}`;
  const headers = { cookie, 'x-streamspace': '1' };
  return fetch(`http://127.0.0.1:${other.port}/api/v1/events`, { headers });
}
