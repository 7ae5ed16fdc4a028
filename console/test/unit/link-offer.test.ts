import { expect, it } from 'vitest';
import { createAccount } from '../../src/state/account.ts';
import { createLinkOffers } from '../../src/state/link-offer.ts';

const tokenOf = (sub: string) =>
  `e30.${Buffer.from(JSON.stringify({ sub, roles: ['user'], exp: 4_000_000_000 })).toString('base64url')}.c2ln`;

function page() {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
  const account = createAccount(storage);
  return { account, links: createLinkOffers(account, () => 1e12) };
}

it('S12 a link signs in where nobody is, and asks before it replaces somebody else', () => {
  const { account, links } = page();
  links.take(tokenOf('ada'));
  expect(account.claims.value?.user).toBe('ada');
  links.take(tokenOf('mallory'));
  expect(account.claims.value?.user).toBe('ada');
  expect(links.offer.value?.user).toBe('mallory');
  links.refuse();
  expect(links.offer.value).toBeNull();
  links.accept();
  expect(account.claims.value?.user).toBe('ada');
  links.take(tokenOf('bob'));
  links.accept();
  expect(account.claims.value?.user).toBe('bob');
  expect(links.offer.value).toBeNull();
  account.signOut();
});

it('S12 a link of the same user renews the token, and one that is no good signs nobody out', () => {
  const { account, links } = page();
  links.take(tokenOf('ada'));
  links.take(tokenOf('ada'));
  expect(links.offer.value).toBeNull();
  links.take('nonsense');
  expect(account.claims.value?.user).toBe('ada');
  account.signOut();
});
