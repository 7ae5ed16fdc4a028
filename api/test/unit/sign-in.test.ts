import { readFileSync } from 'node:fs';
import { SIGN_IN_PROBLEMS, type SignInProvider } from '@streamspace/protocol';
import { describe, expect, it } from 'vitest';
import { cookiesAt } from '../../src/sign-in/cookies.ts';
import { personOf } from '../../src/sign-in/person.ts';
import { readProviders } from '../../src/sign-in/providers.ts';
import { sealed, unsealed } from '../../src/sign-in/sealed.ts';

const PROVIDER: SignInProvider = {
  id: 'company',
  name: 'Company',
  issuer: 'https://login.example.com',
  client_id: 'hub',
  roles: [{ role: 'user' }],
};
const read = (given: unknown, secrets: Record<string, string> = {}) =>
  readProviders('p.json', new Map(Object.entries(secrets)), async () =>
    typeof given === 'string' ? given : JSON.stringify(given),
  );

describe('P1 the file of providers', () => {
  it('has defaults', async () => {
    expect(await read([PROVIDER], { company: 'secret' })).toEqual([
      {
        id: 'company',
        name: 'Company',
        issuer: new URL('https://login.example.com'),
        clientId: 'hub',
        clientSecret: 'secret',
        scope: 'openid profile email',
        claims: { user: 'sub', name: 'name', groups: 'groups' },
        userPrefix: 'company:',
        roles: [{ role: 'user' }],
      },
    ]);
    expect((await read([{ ...PROVIDER, scopes: ['openid', 'groups'] }]))[0]!.scope).toBe('openid groups');
  });

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /can't be read as JSON/],
    ['no list', {}, /the file must be array/],
    ['a provider without roles', [{ ...PROVIDER, roles: undefined }], /\/0 must have required properties roles/],
    ['an unknown key', [{ ...PROVIDER, secret: 'x' }], /must not have additional properties/],
    ['an issuer without TLS', [{ ...PROVIDER, issuer: 'http://login.example.com' }], /\/0\/issuer/],
    ['an issuer without a port', [{ ...PROVIDER, issuer: 'https://a:99999' }], /company: the issuer is no URL/],
    [
      'a rule with half of a claim',
      [{ ...PROVIDER, roles: [{ role: 'admin', claim: 'groups' }] }],
      /roles\[0\] \(admin\) has one of claim and values/,
    ],
    ['one id twice', [PROVIDER, PROVIDER], /two providers have the id company/],
    [
      'prefixes of which one is in the other',
      [PROVIDER, { ...PROVIDER, id: 'b', user_prefix: '' }],
      /one could name the other's users/,
    ],
    ['an id that is no label', [{ ...PROVIDER, id: 'A b' }], /\/0\/id/],
  ])('is refused with %s', async (_what, given, says) => {
    await expect(read(given)).rejects.toThrow(says);
    await expect(read(given)).rejects.toThrow(/OIDC_PROVIDERS_FILE p\.json/);
  });

  it('has a provider for each client secret', async () => {
    await expect(read([PROVIDER], { other: 'hunter2' })).rejects.toThrow(/no provider other/);
    await expect(read([PROVIDER], { other: 'hunter2' })).rejects.not.toThrow(/hunter2/);
  });
});

describe('P1 the rules of a provider', () => {
  const person = async (rules: Partial<SignInProvider>, claims: Record<string, unknown>) =>
    personOf((await read([{ ...PROVIDER, ...rules }]))[0]!, claims);

  it('take claims by their whole name first, and then step by step', async () => {
    const roles: SignInProvider['roles'] = [{ role: 'admin', claim: 'realm_access.roles', values: ['ops'] }];
    const keycloak = { sub: '1', realm_access: { roles: ['ops'] } };
    expect(await person({ roles, claims: { groups: 'realm_access.roles' } }, keycloak)).toEqual({
      user: 'company:1',
      name: 'company:1',
      groups: ['ops'],
      admin: true,
    });
    const named = { sub: '1', 'https://a.example/roles': 'ops' };
    expect(
      await person({ roles: [{ role: 'admin', claim: 'https://a.example/roles', values: ['ops'] }] }, named),
    ).toMatchObject({ admin: true });
    await expect(person({ roles }, { sub: '1', realm_access: null })).rejects.toMatchObject({ problem: 'no_role' });
    // of the language, not of the claims
    await expect(
      person({ roles: [{ role: 'admin', claim: 'constructor.name', values: ['Object'] }] }, { sub: '1' }),
    ).rejects.toMatchObject({ problem: 'no_role' });
  });

  it('take an address only if the provider has verified it, as user and in rules', async () => {
    const email = { sub: '1', email: 'boss@example.com' };
    const roles: SignInProvider['roles'] = [{ role: 'admin', claim: 'email', values: ['boss@example.com'] }];
    for (const verified of [undefined, false, 'true', 1]) {
      const claims = { ...email, email_verified: verified };
      await expect(person({ claims: { user: 'email' } }, claims)).rejects.toMatchObject({ problem: 'user_missing' });
      await expect(person({ roles }, claims)).rejects.toMatchObject({ problem: 'no_role' });
    }
    const claims = { ...email, email_verified: true };
    expect(await person({ roles, claims: { user: 'email' }, user_prefix: '' }, claims)).toMatchObject({
      user: 'boss@example.com',
      admin: true,
    });
  });

  it('bound what a provider says', async () => {
    const groups = Array.from({ length: 1_000 }, (_, n) => `g${n}`);
    const found = await person({}, { sub: '1', name: 'x'.repeat(10_000), groups });
    expect(found.name).toHaveLength(256);
    expect(found.groups).toHaveLength(200);
  });
});

describe('P1 the cookies', () => {
  it('are of this very host with TLS, and have names of their own on localhost and under a path', () => {
    const tls = cookiesAt('https://example.com/streamspace');
    expect(tls.session).toBe('__Host-streamspace-session.streamspace');
    expect(tls.set(tls.session, 'x', { maxAgeMs: 1_000 })).toBe(
      '__Host-streamspace-session.streamspace=x; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=1',
    );
    expect(tls.set(tls.browser, 'x', { maxAgeMs: 1_000, lax: true })).toContain('SameSite=Lax; Secure');
    expect(cookiesAt('https://example.com').session).toBe('__Host-streamspace-session');
    expect(cookiesAt('http://localhost:8080').session).toBe('streamspace-session');
  });

  it('keep the provider’s tokens so that only the cookie opens them', () => {
    const text = sealed('token Ä', 'secret', Buffer.alloc(12, 1));
    expect(unsealed(text, 'secret')).toBe('token Ä');
    expect(() => unsealed(text, 'other')).toThrow();
    expect(() => unsealed(`${text.slice(0, -2)}AA`, 'secret')).toThrow();
  });
});

describe('P1 docs/sign-in.md', () => {
  it('has a file that the hub reads, and names every problem', async () => {
    const text = readFileSync(new URL('../../../docs/sign-in.md', import.meta.url), 'utf8');
    const [, file] = /```json\n([\s\S]*?)```/.exec(text)!;
    expect(await read(file)).toHaveLength(1);
    for (const problem of SIGN_IN_PROBLEMS) expect(text).toContain(`\`${problem}\``);
  });
});
