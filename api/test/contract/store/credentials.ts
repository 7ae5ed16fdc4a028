import { describe, expect, it } from 'vitest';
import { AT, LATER } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

const AFTER = '2026-01-02T00:00:00.000Z';

export function credentialContract(makeStore: MakeStore): void {
  describe('credentials', () => {
    const given = eachWith(makeStore);
    const credentials = () => given.store.credentials;

    it('[AUTH3] takes an enrolment token for its agent, as often as it may be used', async () => {
      await credentials().putEnrolment('hash', { agentId: 'a1', expiresAt: LATER, uses: 2 });
      expect(await credentials().takeEnrolment('hash', 'a2', AT)).toBeUndefined();
      expect(await credentials().takeEnrolment('hash', 'a1', AT)).toEqual({ any: false });
      expect(await credentials().takeEnrolment('hash', 'a1', AT)).toEqual({ any: false });
      expect(await credentials().takeEnrolment('hash', 'a1', AT)).toBeUndefined();
      expect(await credentials().takeEnrolment('unknown', 'a1', AT)).toBeUndefined();
    });

    it('[AUTH3] takes no enrolment token that has expired', async () => {
      await credentials().putEnrolment('hash', { agentId: 'a1', expiresAt: LATER, uses: 1 });
      expect(await credentials().takeEnrolment('hash', 'a1', LATER)).toBeUndefined();
      expect(await credentials().takeEnrolment('hash', 'a1', AFTER)).toBeUndefined();
    });

    it('S2 knows an enrolment token as long as it could be used', async () => {
      await credentials().putEnrolment('hash', { agentId: 'a1', expiresAt: LATER, uses: 1 });
      expect(await credentials().hasEnrolment('unknown', AT)).toBe(false);
      expect(await credentials().hasEnrolment('hash', AT)).toBe(true);
      expect(await credentials().hasEnrolment('hash', LATER)).toBe(false);
      await credentials().takeEnrolment('hash', 'a1', AT);
      expect(await credentials().hasEnrolment('hash', AT)).toBe(false);
    });

    it('[AUTH3] lets exactly one of many use a token for one use', async () => {
      await credentials().putEnrolment('hash', { agentId: 'a1', expiresAt: LATER, uses: 1 });
      const taken = await Promise.all(Array.from({ length: 20 }, () => credentials().takeEnrolment('hash', 'a1', AT)));
      expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
    });

    it('failure 13: a token for any agent is for new ones only, and is not used up by the others', async () => {
      await credentials().set('old', 'credential');
      await credentials().set('revoked', 'credential');
      await credentials().revoke('revoked');
      await credentials().putEnrolment('hash', { agentId: null, expiresAt: LATER, uses: 1 });
      expect(await credentials().takeEnrolment('hash', 'old', AT)).toBeUndefined();
      expect(await credentials().takeEnrolment('hash', 'revoked', AT)).toBeUndefined();
      expect(await credentials().takeEnrolment('hash', 'new', AT)).toEqual({ any: true });
      expect(await credentials().takeEnrolment('hash', 'newer', AT)).toBeUndefined();
    });

    it('failure 13: of many that set a first credential at once, one does', async () => {
      const set = await Promise.all(['h1', 'h2', 'h3'].map((hash) => credentials().setNew('a1', hash)));
      expect(set.filter(Boolean)).toHaveLength(1);
      expect((await credentials().get('a1'))?.current).toBe(`h${set.indexOf(true) + 1}`);
      expect(await credentials().setNew('a1', 'h4')).toBe(false);
      await credentials().revoke('a1');
      expect(await credentials().setNew('a1', 'h4')).toBe(false);
      expect(await credentials().get('a1')).toBeUndefined();
    });

    it('[AUTH5] has both credentials valid during a rotation, and the new one alone after it', async () => {
      await credentials().set('a1', 'old');
      const next = { hash: 'new', rotationId: 'r1' };
      await credentials().beginRotation('a1', next);
      expect(await credentials().get('a1')).toEqual({ current: 'old', next, others: [] });
      expect(await credentials().finishRotation('a1', 'r2')).toBeUndefined();
      expect(await credentials().finishRotation('a1', 'r1')).toBe('new');
      expect(await credentials().get('a1')).toEqual({ current: 'new', others: [] });
      expect(await credentials().finishRotation('a1', 'r1')).toBeUndefined();
    });

    it('[AUTH5] drops a rotation when another begins, on enrolment and on revocation', async () => {
      await credentials().set('a1', 'old');
      await credentials().beginRotation('a1', { hash: 'n1', rotationId: 'r1' });
      await credentials().beginRotation('a1', { hash: 'n2', rotationId: 'r2' });
      expect(await credentials().finishRotation('a1', 'r1')).toBeUndefined();
      await credentials().set('a1', 'newest');
      expect(await credentials().finishRotation('a1', 'r2')).toBeUndefined();
      await credentials().beginRotation('a1', { hash: 'n3', rotationId: 'r3' });
      await credentials().revoke('a1');
      expect(await credentials().finishRotation('a1', 'r3')).toBeUndefined();
      expect(await credentials().get('a1')).toBeUndefined();
    });

    it('[AUTH3] keeps one for each replica that says its name, the newest of them', async () => {
      const valid = async () => {
        const its = await credentials().get('a1');
        return its && [its.current, ...its.others];
      };
      await credentials().set('a1', 'none’s');
      await credentials().set('a1', 'r1’s', 'r1');
      await credentials().set('a1', 'r2’s', 'r2');
      expect(await valid()).toEqual(['r2’s', 'r1’s', 'none’s']);
      await credentials().set('a1', 'r1’s new', 'r1');
      expect(await valid()).toEqual(['r1’s new', 'r2’s', 'none’s']);
      for (let n = 3; n <= 20; n += 1) await credentials().set('a1', `r${n}’s`, `r${n}`);
      expect(await valid()).toEqual([20, 19, 18, 17, 16, 15, 14, 13].map((n) => `r${n}’s`));
      await credentials().set('a1', 'the only one');
      expect(await valid()).toEqual(['the only one']);
    });

    it('S5 keeps the one that is in use, however many replicas come after it', async () => {
      const valid = async () => {
        const its = await credentials().get('a1');
        return its && [its.current, ...its.others];
      };
      for (let n = 1; n <= 8; n += 1) await credentials().set('a1', `r${n}’s`, `r${n}`);
      await credentials().used('a1', 'r1’s');
      await credentials().used('a1', 'nobody’s');
      expect(await valid()).toEqual([1, 8, 7, 6, 5, 4, 3, 2].map((n) => `r${n}’s`));
      await credentials().used('a1', 'r1’s');
      await credentials().set('a1', 'r9’s', 'r9');
      expect(await valid()).toEqual([9, 1, 8, 7, 6, 5, 4, 3].map((n) => `r${n}’s`));
      // it is still that replica's: what it gets anew takes its place
      await credentials().set('a1', 'r1’s new', 'r1');
      expect(await valid()).toEqual(['r1’s new', ...[9, 8, 7, 6, 5, 4, 3].map((n) => `r${n}’s`)]);
      await credentials().used('never enrolled', 'hash');
      expect(await credentials().get('never enrolled')).toBeUndefined();
    });

    it('[AUTH5] goes on with a rotation when another replica comes, and ends with its credential alone', async () => {
      await credentials().set('a1', 'r1’s', 'r1');
      await credentials().beginRotation('a1', { hash: 'new', rotationId: 'r' });
      await credentials().set('a1', 'r2’s', 'r2');
      expect(await credentials().get('a1')).toMatchObject({ next: { hash: 'new' }, others: ['r1’s'] });
      expect(await credentials().finishRotation('a1', 'r')).toBe('new');
      expect(await credentials().get('a1')).toEqual({ current: 'new', others: [] });
      await credentials().set('a1', 'r2’s', 'r2');
      await credentials().revoke('a1');
      expect(await credentials().get('a1')).toBeUndefined();
      await credentials().set('a1', 'r3’s', 'r3');
      expect(await credentials().get('a1')).toEqual({ current: 'r3’s', others: [] });
    });

    it('begins no rotation without a credential', async () => {
      await credentials().beginRotation('a1', { hash: 'new', rotationId: 'r1' });
      expect(await credentials().get('a1')).toBeUndefined();
      expect(await credentials().finishRotation('a1', 'r1')).toBeUndefined();
    });

    it('revokes what is there, and nothing is fine, too', async () => {
      await credentials().revoke('a1');
      expect(await credentials().setNew('a1', 'hash')).toBe(true);
    });
  });
}
