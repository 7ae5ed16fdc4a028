import { describe, expect, it } from 'vitest';
import { SIGN_INS, type SignInRecord } from '../../../src/store/store.ts';
import { eachWith, type MakeStore } from './harness.ts';

const PENDING = { provider: 'p', verifier: 'v', nonce: 'n', browser: 'b', returnTo: '/agents' };
const RECORD: SignInRecord = {
  user: 'p:ann',
  provider: 'p',
  name: 'Ann',
  groups: [],
  admin: false,
  createdAt: 1_000,
  seenAt: 1_000,
  ends: 100_000,
  expires: 50_000,
  freshUntil: null,
  tokens: 'sealed',
  address: '127.0.0.1',
  browser: 'a browser',
};
const key = (hash: string, owner = 'ann') => ({ owner, hash });

export function signInContract(makeStore: MakeStore): void {
  describe('sign-ins', () => {
    const given = eachWith(makeStore);
    const signIns = () => given.store.signIns;

    it('P1 a state is taken once, by one of many, and not after its time', async () => {
      await signIns().begin('state', PENDING, 60_000);
      const taken = await Promise.all(Array.from({ length: 20 }, () => signIns().take('state')));
      expect(taken.filter((each) => each !== undefined)).toEqual([PENDING]);
      await signIns().begin('short', PENDING, 100);
      await given.pass(150);
      expect(await signIns().take('short')).toBeUndefined();
      expect(await signIns().take('unknown')).toBeUndefined();
    });

    it('keeps a sign-in, changes it by compare-and-set, and removes one or all', async () => {
      for (const hash of ['1', '2', '3']) await signIns().put(key(hash), RECORD);
      await signIns().put(key('1', 'bob'), { ...RECORD, user: 'p:bob' });
      expect(await signIns().get(key('1'))).toEqual(RECORD);
      expect(await signIns().get(key('2', 'bob'))).toBeUndefined();
      const next = { ...RECORD, seenAt: 2_000, groups: ['a', 'Ü "}'] };
      expect(await signIns().replace(key('1'), RECORD, next)).toBe(true);
      expect(await signIns().replace(key('1'), RECORD, RECORD)).toBe(false);
      expect(await signIns().get(key('1'))).toEqual(next);
      await signIns().remove('ann', ['1', 'unknown']);
      expect(await signIns().replace(key('1'), next, RECORD)).toBe(false);
      expect((await signIns().list('ann')).map(({ hash }) => hash).sort()).toEqual(['2', '3']);
      await signIns().remove('ann', []);
      expect(await signIns().list('ann')).toHaveLength(2);
      await signIns().remove('ann');
      expect(await signIns().list('ann')).toEqual([]);
      expect(await signIns().list('bob')).toHaveLength(1);
    });

    it('bounds the sign-ins of a user: drops the expired ones, then the oldest', async () => {
      await signIns().put(key('expired'), { ...RECORD, expires: 5_000 });
      for (let n = 0; n < SIGN_INS; n += 1) await signIns().put(key(`${n}`), { ...RECORD, createdAt: 10_000 + n });
      const known = (await signIns().list('ann')).map(({ hash }) => hash);
      expect(known).toHaveLength(SIGN_INS);
      expect(known).not.toContain('expired');
      await signIns().put(key('new'), { ...RECORD, createdAt: 20_000 });
      expect(await signIns().get(key('0'))).toBeUndefined();
      expect(await signIns().list('ann')).toHaveLength(SIGN_INS);
    });

    it('lets one of many use the refresh token', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => signIns().claimRefresh(key('1'), 60_000)));
      expect(all.filter(Boolean)).toHaveLength(1);
      expect(await signIns().claimRefresh(key('2'), 100)).toBe(true);
      await given.pass(150);
      expect(await signIns().claimRefresh(key('2'), 100)).toBe(true);
      expect(await signIns().claimRefresh(key('1'), 100)).toBe(false);
    });
  });
}
