import { describe, expect, it } from 'vitest';
import { template } from '../../support/records.ts';
import { eachWith, type MakeStore } from './harness.ts';

export function templateContract(makeStore: MakeStore): void {
  describe('templates', () => {
    const given = eachWith(makeStore);

    it('keeps templates by id, the last one put counts', async () => {
      const { templates } = given.store;
      await templates.put(template({ id: 'a' }));
      await templates.put(template({ id: 'b' }));
      await templates.put(template({ id: 'a', name: 'Other' }));
      expect((await templates.list()).map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
      expect(await templates.get('a')).toEqual(template({ id: 'a', name: 'Other' }));
      expect(await templates.get('c')).toBeUndefined();
    });

    it('can say whether it can be used', async () => {
      await given.store.ping(new AbortController().signal);
    });
  });
}
