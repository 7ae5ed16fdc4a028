import { VirtualClock } from '@streamspace/testkit';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { userAuth } from '../../src/auth/users.ts';
import { signInLink } from '../../src/sign-in/link.ts';

const SECRET = 'a-secret-of-the-tests-long-enough-for-HS256';
const ENV = { JWT_SECRET: SECRET, PUBLIC_URL: 'https://desktops.example.com' };
const clock = new VirtualClock();
const run = (line: string, env: Record<string, string> = ENV) =>
  signInLink(line.split(' ').filter(Boolean), env, clock);
const tokenOf = (link: string) => link.split('#token=')[1]!;

describe('part 2 hub link', () => {
  it('signs in whom it names, with an admin’s rights or without, until it says', async () => {
    const auth = userAuth({ jwt: { secrets: [SECRET] } }, clock);
    const { link, advice } = await run('--user you --admin');
    expect(link).toMatch(/^https:\/\/desktops\.example\.com\/#token=/);
    const eight = clock.now() + 8 * 3_600_000;
    expect(await auth(tokenOf(link))).toEqual({ id: 'you', admin: true, expires: Math.floor(eight / 1000) * 1000 });
    expect(advice).toEqual([
      expect.stringMatching(/^It signs in the admin "you" until .*Z; anyone with the link can use it\.$/),
    ]);
    expect(await auth(tokenOf((await run('--user you')).link))).toMatchObject({ admin: false });
  });

  it('V3 leads below the path of PUBLIC_URL, and of --url', async () => {
    const under = await run('--user you', { ...ENV, PUBLIC_URL: 'https://example.com/streamspace/' });
    expect(under.link).toMatch(/^https:\/\/example\.com\/streamspace\/#token=/);
    expect((await run('--user you --url http://localhost:8080/a')).link).toMatch(
      /^http:\/\/localhost:8080\/a\/#token=/,
    );
  });

  it('makes what this hub believes: issuer, audience, the present secret, at most its greatest age', async () => {
    const jwt = { secrets: [SECRET], issuer: 'https://idp', audience: 'desktops', maxAgeMs: 3_600_000 };
    const env = {
      ...ENV,
      JWT_SECRET: `${SECRET},${'former'.repeat(6)}`,
      JWT_ISSUER: jwt.issuer,
      JWT_AUDIENCE: jwt.audience,
      JWT_MAX_AGE: '1h',
    };
    const token = tokenOf((await run('--user you', env)).link);
    expect((await userAuth({ jwt }, clock)(token)).id).toBe('you');
    const { iat, exp } = decodeJwt(token);
    expect(exp! - iat!).toBe(3600);
  });

  it('says how to reach a hub whose address is not known', async () => {
    const inCluster = await run('--user you', { JWT_SECRET: SECRET, HUB_SERVICE: 'desktops/streamspace-api:80' });
    expect(inCluster.link).toMatch(/^http:\/\/localhost:8080\/#token=/);
    expect(inCluster.advice[1]).toContain('kubectl -n desktops port-forward service/streamspace-api 8080:80');
    expect((await run('--user you', { JWT_SECRET: SECRET, PORT: '8000' })).link).toMatch(/^http:\/\/localhost:8000\/#/);
    const named = await run('--user you --url https://a.example.com/', { JWT_SECRET: SECRET });
    expect([named.link.split('#')[0], named.advice.length]).toEqual(['https://a.example.com/', 1]);
  });

  it.each([
    ['', ENV, /--user is missing.*hub link --user NAME/s],
    ['--user= --admin', ENV, /--user: takes a name of 1 to 256 characters/],
    ['--user you --for 2d', ENV, /--for: takes a duration .* from 1m to 24h; given was "2d"/],
    ['--user you --for 25h', ENV, /--for: takes a duration .* from 1m to 24h/],
    ['--user you --url a.example.com', ENV, /--url: takes a URL like https:/],
    ['--user you --forever', ENV, /Unknown option '--forever'.*hub link --user NAME/s],
    ['--user you', {}, /JWT_SECRET is not set here.*run it where the hub runs/],
    ['--user you', { JWT_JWKS_URL: 'https://idp/keys' }, /users sign in at the issuer of JWT_JWKS_URL/],
    ['--user you', { JWT_SECRET: 'short' }, /JWT_SECRET: takes a secret/],
  ])('%j with %j is refused in words', async (line, env, words) => {
    await expect(run(line, env)).rejects.toThrow(words);
  });
});
