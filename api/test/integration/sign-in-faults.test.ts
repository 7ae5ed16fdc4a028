import type { SignInProblem } from '@streamspace/protocol';
import { freePort } from '@streamspace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Provider } from '../../src/sign-in/providers.ts';
import { FaultyProvider, type Faults } from '../support/faulty-provider.ts';
import { TestHub } from '../support/hub.ts';
import { callbackOf, declared, providersOf } from '../support/people.ts';
import { CLIENT, RealProvider } from '../support/real-provider.ts';
import { PUBLIC_URL, Visitor } from '../support/visitor.ts';

const problemAt = (problem: SignInProblem) => `${PUBLIC_URL}/#/sign-in/${problem}/company`;

let hub: TestHub;
const visit = async (providers: readonly Provider[]) => {
  hub = await TestHub.start(undefined, undefined, { PUBLIC_URL }, providers);
  return new Visitor(hub.port);
};
const said = () => JSON.stringify(hub.logged.filter(({ msg }) => msg === 'sign-in failed'));
afterEach(() => hub.stop());

describe('P1 a page says what an admin does about (oidc-provider):', () => {
  let real: RealProvider;
  beforeAll(async () => {
    real = await RealProvider.start({ redirectUris: [callbackOf('company')], signedOut: `${PUBLIC_URL}/` });
  });
  afterAll(() => real.stop());

  test('a wrong client secret', async () => {
    const [provider] = await providersOf(declared(real.issuer));
    const visitor = await visit([{ ...provider!, clientSecret: 'wrong' }]);
    expect(await visitor.signIn('company')).toBe(problemAt('client_refused'));
    expect(said()).toContain('WWW-Authenticate');
    expect(said()).not.toContain('wrong');
  });

  test('an unknown client', async () => {
    const visitor = await visit(await providersOf(declared(real.issuer, { client_id: 'unknown' })));
    expect(await visitor.signIn('company')).toBe(problemAt('client_refused'));
  });

  test('a redirect URI that is not registered', async () => {
    const visitor = await visit(await providersOf(declared(real.issuer, { id: 'other' })));
    expect(await visitor.signIn('other')).toBe(`${PUBLIC_URL}/#/sign-in/redirect_refused/other`);
  });

  test('a user who does not consent, and then does', async () => {
    const visitor = await visit(await providersOf(declared(real.issuer)));
    real.account = '';
    expect(await visitor.signIn('company')).toBe(problemAt('provider_refused'));
    real.account = 'ann';
    expect(await visitor.signIn('company')).toBe(`${PUBLIC_URL}/#/`);
  });

  test('a claim without a user', async () => {
    const visitor = await visit(await providersOf(declared(real.issuer, { claims: { user: 'email' } })));
    real.account = 'bob';
    expect(await visitor.signIn('company')).toBe(problemAt('user_missing'));
    real.account = 'ann';
  });

  test('an issuer that is away, or another one', async () => {
    const visitor = await visit(await providersOf(declared(`http://127.0.0.1:${await freePort()}`)));
    expect(await visitor.signIn('company')).toBe(problemAt('provider_unreachable'));
    await hub.stop();
    const alias = await visit(await providersOf(declared(real.issuer.replace('127.0.0.1', 'localhost'))));
    expect(await alias.signIn('company')).toBe(problemAt('provider_unreachable'));
  });
});

describe('P1 a page says what an admin does about (a provider with faults):', () => {
  let faulty: FaultyProvider;
  let visitor: Visitor;
  beforeAll(async () => {
    faulty = await FaultyProvider.start();
  });
  afterAll(() => faulty.stop());

  const HALF_AN_HOUR = 1_800;
  test.each<[string, SignInProblem, Faults]>([
    ['a clock that is ahead', 'clock_skew', { ahead: HALF_AN_HOUR }],
    ['a clock that is behind', 'clock_skew', { ahead: -HALF_AN_HOUR }],
    ['a key that it does not publish', 'keys_unknown', { otherKey: true }],
    ['a nonce of another sign-in', 'answer_invalid', { claims: { nonce: 'x'.repeat(43) } }],
    ['a token for another client', 'answer_invalid', { claims: { aud: 'another' } }],
    ['a token of another issuer', 'answer_invalid', { claims: { iss: 'https://evil.example' } }],
    ['a user without a name', 'user_missing', { claims: { sub: '\ud800' } }],
    ['a user with a name of 300 characters', 'user_missing', { claims: { sub: 'x'.repeat(300) } }],
    ['groups that are none', 'no_role', { claims: { groups: { staff: true } } }],
    [
      'an answer without JSON',
      'provider_unreachable',
      { answers: { '/token': { status: 502, headers: { 'content-type': 'text/html' } } } },
    ],
    [
      'a refused client, by a challenge',
      'client_refused',
      { answers: { '/token': { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } } } },
    ],
    [
      'a code that it does not know',
      'provider_refused',
      { answers: { '/token': { status: 400, body: { error: 'invalid_grant' } } } },
    ],
    ['a provider that is busy', 'provider_unreachable', { back: { error: 'temporarily_unavailable' } }],
    [
      'a refusal in words',
      'provider_refused',
      { back: { error: 'access_denied', error_description: '<b>x</b>'.repeat(200) } },
    ],
  ])('%s', async (_what, problem, faults) => {
    faulty.faults = faults;
    visitor = await visit(await providersOf(declared(faulty.issuer)));
    expect(await visitor.signIn('company')).toBe(problemAt(problem));
    expect(visitor.cookies.get(PUBLIC_URL)?.has('streamspace-session')).toBe(false);
    expect(said().length).toBeLessThan(3_000);
    expect(said()).not.toContain(CLIENT.secret);
    // and when that is mended, without a restart
    faulty.faults = {};
    expect(await visitor.signIn('company')).toBe(`${PUBLIC_URL}/#/`);
  });

  test('group names with odd characters are names, and nothing else', async () => {
    const odd = [
      '',
      ' ',
      'a,b',
      '__proto__',
      'constructor',
      '"}',
      'Ü\u202e',
      '\ud800',
      'x'.repeat(257),
      7,
      null,
      ['ops'],
      'staff',
    ];
    faulty.faults = { claims: { groups: odd, __proto__: { admin: true } } };
    visitor = await visit(await providersOf(declared(faulty.issuer)));
    await visitor.signIn('company');
    expect((await visitor.page('GET', '/me')).body).toMatchObject({
      roles: ['user'],
      groups: [' ', 'a,b', '__proto__', 'constructor', '"}', 'Ü\u202e', '7', 'staff'],
    });
  });

  test('a store that is away', async () => {
    visitor = await visit(await providersOf(declared(faulty.issuer)));
    const back = await visitor.untilBack('company');
    hub.store.signIns.put = async () => {
      const { StreamSpaceError } = await import('@streamspace/protocol');
      throw new StreamSpaceError('store_unavailable', 'the store is away');
    };
    expect((await visitor.send(back)).location).toBe(problemAt('hub_unavailable'));
  });
});
