import { describe, expect, it } from 'vitest';
import { eachWith, type MakeStore } from './harness.ts';

const about = (user: string) => ({ user, at: 1_000, by: 'admin' });

export function disabledUserContract(makeStore: MakeStore): void {
  describe('disabled users', () => {
    const given = eachWith(makeStore);
    const disabled = () => given.store.disabledUsers;

    it('P3 are kept with who did it, and each change has another version', async () => {
      const versions = [await disabled().version()];
      expect(await disabled().list()).toEqual({ version: versions[0], users: [] });
      for (const user of ['company:ann', '__proto__', 'Ü " }']) {
        expect(await disabled().put(about(user))).toBe(true);
        versions.push(await disabled().version());
      }
      const { version, users } = await disabled().list();
      expect(version).toBe(versions.at(-1));
      expect(users.map(({ user }) => user).sort()).toEqual(['Ü " }', '__proto__', 'company:ann'].sort());
      expect(users).toContainEqual(about('__proto__'));
      await disabled().put({ ...about('company:ann'), by: 'another' });
      versions.push(await disabled().version());
      await disabled().remove('company:ann');
      versions.push(await disabled().version());
      expect(new Set(versions).size).toBe(6);
      await disabled().remove('unknown');
      expect(await disabled().version()).toBe(versions.at(-1));
      expect((await disabled().list()).users).toHaveLength(2);
    });
  });
}
