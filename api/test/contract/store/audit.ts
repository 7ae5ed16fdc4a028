import { describe, expect, it } from 'vitest';
import { type AuditNote, AuditJournal } from '../../../src/audit/journal.ts';
import { check } from '../../../src/audit/chain.ts';
import { FIRST_AUDIT_HEAD } from '../../../src/store/kept.ts';
import type { AuditHead, AuditLine } from '../../../src/store/store.ts';
import { VirtualClock } from '@streamspace/testkit';
import { eachWith, type MakeStore } from './harness.ts';

const KEPT = { since: 0, most: 1_000 };
const line = (seq: number, at = 1_000): AuditLine => ({
  seq,
  at,
  hash: `${seq}`.padStart(64, 'a'),
  text: `entry ${seq}`,
});
const headOf = ({ seq, hash }: AuditLine): AuditHead => ({ seq, hash });

export const NOTE: AuditNote = {
  actor: 'ann',
  admin: false,
  action: 'session.create',
  subject: 'session/s-1',
  owner: 'ann',
  result: 'ok',
  code: null,
  address: '127.0.0.1',
  trace_id: '',
  details: { template: 'Ü "}\u2028' },
};

export function auditContract(makeStore: MakeStore): void {
  describe('audit log', () => {
    const given = eachWith(makeStore);
    const audit = () => given.store.audit;

    it('P8 adds entries to the newest one only, and says which that is', async () => {
      expect(await audit().head()).toEqual(FIRST_AUDIT_HEAD);
      expect(await audit().read(undefined, 10)).toEqual([]);
      expect(await audit().append(FIRST_AUDIT_HEAD, [line(1), line(2)], KEPT)).toBeUndefined();
      expect(await audit().append(FIRST_AUDIT_HEAD, [line(1)], KEPT)).toEqual(headOf(line(2)));
      expect(await audit().append({ ...headOf(line(2)), hash: 'b'.repeat(64) }, [line(3)], KEPT)).toEqual(
        headOf(line(2)),
      );
      expect(await audit().head()).toEqual(headOf(line(2)));
      expect(await audit().append(headOf(line(2)), [line(3)], KEPT)).toBeUndefined();
      expect(await audit().append(headOf(line(3)), [], KEPT)).toBeUndefined();
      expect(await audit().read(undefined, 2)).toEqual(['entry 3', 'entry 2']);
      expect(await audit().read(3, 10)).toEqual(['entry 2', 'entry 1']);
      expect(await audit().read(1, 10)).toEqual([]);
    });

    it('P8 drops entries by age and by number, the oldest first, and goes on from the newest', async () => {
      let head: AuditHead = FIRST_AUDIT_HEAD;
      for (let seq = 1; seq <= 6; seq++) {
        await audit().append(head, [line(seq, seq * 1_000)], { since: 0, most: 4 });
        head = headOf(line(seq));
      }
      expect(await audit().read(undefined, 10)).toEqual(['entry 6', 'entry 5', 'entry 4', 'entry 3']);
      await audit().append(head, [line(7, 7_000)], { since: 5_000, most: 4 });
      expect(await audit().read(undefined, 10)).toEqual(['entry 7', 'entry 6', 'entry 5']);
      await audit().append(headOf(line(7)), [line(8, 8_000)], { since: 9_000, most: 4 });
      expect(await audit().read(undefined, 10)).toEqual([]);
      expect(await audit().head()).toEqual(headOf(line(8)));
      expect(await audit().append(headOf(line(8)), [line(9, 9_000)], KEPT)).toBeUndefined();
      expect(await audit().read(undefined, 10)).toEqual(['entry 9']);
    });

    it('P8 entries of three replicas at once are one chain, without a gap and nothing twice', async () => {
      const clock = new VirtualClock();
      const journals = Array.from(
        { length: 3 },
        () => new AuditJournal({ store: given.store, clock, kept: { ageMs: 1e9, most: 10_000 } }),
      );
      await Promise.all(
        Array.from({ length: 300 }, (_, n) =>
          journals[n % 3]!.record({ ...NOTE, subject: `session/s-${n}`, trace_id: `${n % 3}` }),
        ),
      );
      const texts = (await audit().read(undefined, 1_000)).toReversed();
      expect(await check(texts)).toMatchObject({ count: 300, first: 1, last: { seq: 300 }, problem: undefined });
      const subjects = texts.map((text) => (JSON.parse(text) as AuditNote).subject);
      expect(new Set(subjects).size).toBe(300);
    });
  });
}
