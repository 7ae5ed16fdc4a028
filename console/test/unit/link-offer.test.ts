import { expect, it } from 'vitest';
import { createAccount } from '../../src/state/account.ts';
import { createLinkOffers } from '../../src/state/link-offer.ts';

const tokenOf = (sub: string) =>
  `e30.${Buffer.from(JSON.stringify({ sub, roles: ['user'], exp: 4_000_000_000 })).toString('base64url')}.c2ln`;

function page(otherTab: string | null = null) {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
  const account = createAccount(storage, 'token');
  return {
    account,
    links: createLinkOffers(
      account,
      async () => otherTab,
      () => 1e12,
    ),
  };
}

it('S12 a link signs in where nobody is, and asks before it replaces somebody else', async () => {
  const { account, links } = page();
  await links.take(tokenOf('ada'));
  expect(account.claims.value?.user).toBe('ada');
  await links.take(tokenOf('mallory'));
  expect(account.claims.value?.user).toBe('ada');
  expect(links.offer.value?.user).toBe('mallory');
  links.refuse();
  expect(links.offer.value).toBeNull();
  links.accept();
  expect(account.claims.value?.user).toBe('ada');
  await links.take(tokenOf('bob'));
  links.accept();
  expect(account.claims.value?.user).toBe('bob');
  expect(links.offer.value).toBeNull();
  account.signOut();
});

it('S12 a link of the same user renews the token, and one that is no good signs nobody out', async () => {
  const { account, links } = page();
  await links.take(tokenOf('ada'));
  await links.take(tokenOf('ada'));
  expect(links.offer.value).toBeNull();
  await links.take('nonsense');
  expect(account.claims.value?.user).toBe('ada');
  account.signOut();
});

it('S12 a link in a new tab asks before it replaces who is signed in in another', async () => {
  const { account, links } = page(tokenOf('ada'));
  await links.take(tokenOf('mallory'));
  expect(account.claims.value?.user).toBe('ada');
  expect(links.offer.value?.user).toBe('mallory');
  links.accept();
  expect(account.claims.value?.user).toBe('mallory');
  account.signOut();
});
