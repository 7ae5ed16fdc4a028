import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { callbackOf, declared, providersOf } from '../support/people.ts';
import { RealProvider } from '../support/real-provider.ts';
import { PUBLIC_URL, Visitor } from '../support/visitor.ts';

const MINUTE = 60_000;

let provider: RealProvider;
let hub: TestHub;
let visitor: Visitor;
beforeEach(async () => {
  const redirectUris = [callbackOf('company')];
  provider = await RealProvider.start({ redirectUris, signedOut: `${PUBLIC_URL}/`, lasts: 600 });
  const env = { PUBLIC_URL, SIGN_IN_IDLE: '30m', SIGN_IN_LIFETIME: '10h' };
  hub = await TestHub.start(undefined, undefined, env, await providersOf(declared(provider.issuer)));
  visitor = new Visitor(hub.port);
  await visitor.signIn('company');
});
afterEach(async () => {
  await Promise.all([hub.stop(), provider.stop()]);
});

const me = () => visitor.page('GET', '/me');
const refreshes = () => provider.grants.filter((each) => each === 'refresh_token').length;

describe('P1 a sign-in with a refresh token', () => {
  test('is confirmed shortly before the provider’s word ends: once, by one of many requests, and the next time with the next token', async () => {
    expect((await me()).status).toBe(200);
    expect(refreshes()).toBe(0);
    await hub.clock.advance(9.5 * MINUTE);
    const all = await Promise.all(Array.from({ length: 20 }, me));
    expect(all.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(refreshes()).toBe(1);
    await hub.clock.advance(9.5 * MINUTE);
    expect((await me()).status).toBe(200);
    expect(refreshes()).toBe(2);
  });

  test('has the groups and roles that the provider names then', async () => {
    expect((await me()).body.roles).toEqual(['admin', 'user']);
    provider.accounts['ann']!.groups = ['staff'];
    await hub.clock.advance(9.5 * MINUTE);
    expect((await me()).body).toMatchObject({ roles: ['user'], groups: ['staff'] });
    provider.accounts['ann']!.groups = [];
    await hub.clock.advance(9.5 * MINUTE);
    expect(await me()).toMatchObject({ status: 401 });
    provider.accounts['ann']!.groups = ['staff'];
    expect(await me()).toMatchObject({ status: 401 });
  });

  test('ends when the provider says so', async () => {
    delete provider.accounts['ann'];
    await hub.clock.advance(9.5 * MINUTE);
    expect(await me()).toMatchObject({ status: 401, body: { error: { code: 'unauthenticated' } } });
  });

  test('goes on while the provider is away, for SIGN_IN_IDLE beyond its last word', async () => {
    await provider.stop();
    for (let minutes = 0; minutes < 39; minutes += 13) {
      await hub.clock.advance(13 * MINUTE);
      expect((await me()).status, `${minutes + 13} min`).toBe(200);
    }
    await hub.clock.advance(MINUTE);
    expect(await me()).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining('not confirmed') as unknown } },
    });
  });
});
