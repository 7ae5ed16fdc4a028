import { describe, expect, it } from 'vitest';
import { readToken, tokenInFragment } from '../../src/state/token.ts';

const NOW = Date.UTC(2026, 0, 31);
const tokenOf = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

describe('a token', () => {
  it('tells user, roles and expiry', () => {
    const token = tokenOf({ sub: 'Zoë', roles: ['admin', 7], exp: NOW / 1000 + 60 });
    expect(readToken(token, NOW)).toEqual({ user: 'Zoë', roles: ['admin'], expires: NOW + 60_000 });
  });

  it.each([
    ['', /not a token/],
    ['abc', /not a token/],
    ['a.b.c', /cannot be read/],
    [tokenOf({ exp: NOW / 1000 + 60 }), /no user/],
    [tokenOf({ sub: 'ada' }), /no expiry/],
    [tokenOf({ sub: 'ada', exp: NOW / 1000 }), /has expired/],
  ])('is refused with what to do: %#', (token, words) => {
    expect(() => readToken(token, NOW)).toThrow(words);
  });
});

describe('a sign-in link', () => {
  it('carries the token, and where to go, in its fragment', () => {
    expect(tokenInFragment('#token=a.b.c')).toEqual({ token: 'a.b.c', to: '/' });
    expect(tokenInFragment('#token=a.b.c&to=/sessions/s-1')).toEqual({ token: 'a.b.c', to: '/sessions/s-1' });
    expect(tokenInFragment('#token=a.b.c&to=https://elsewhere')).toEqual({ token: 'a.b.c', to: '/' });
  });

  it('is no other fragment', () => {
    for (const fragment of ['', '#/', '#/agents/token=1', '#/sessions/x'])
      expect(tokenInFragment(fragment)).toBeUndefined();
  });
});
