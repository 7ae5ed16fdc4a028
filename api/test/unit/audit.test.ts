import { Readable } from 'node:stream';
import { StreamSpaceError } from '@streamspace/protocol';
import { settle, VirtualClock } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import { check, chained } from '../../src/audit/chain.ts';
import { toCsv } from '../../src/audit/csv.ts';
import { AuditJournal } from '../../src/audit/journal.ts';
import { page } from '../../src/audit/page.ts';
import { verifyExport } from '../../src/audit/verify.ts';
import { FIRST_AUDIT_HEAD } from '../../src/store/kept.ts';
import { memoryAudit } from '../../src/store/memory/audit.ts';
import type { AuditLine, AuditStore } from '../../src/store/store.ts';
import { NOTE } from '../contract/store/audit.ts';

function chainOf(count: number): AuditLine[] {
  const lines: AuditLine[] = [];
  for (let n = 0; n < count; n++)
    lines.push(
      chained(
        { ...NOTE, at: '2026-01-01T00:00:00.000Z', subject: `session/s-${n}` },
        lines.at(-1) ?? FIRST_AUDIT_HEAD,
        n,
      ),
    );
  return lines;
}
const texts = (lines: readonly AuditLine[]) => lines.map(({ text }) => text);

describe('P8 the chain of the audit log', () => {
  const lines = chainOf(6);

  it('holds from its first entry, and from any later one when older ones are not kept', async () => {
    expect(await check(texts(lines))).toEqual({
      count: 6,
      first: 1,
      last: expect.anything() as unknown,
      problem: undefined,
    });
    expect(await check(texts(lines).slice(3))).toMatchObject({ count: 3, first: 4, problem: undefined });
    expect(await check([])).toMatchObject({ count: 0, problem: undefined });
  });

  it.each<[string, (all: string[]) => string[], RegExp]>([
    ['a changed entry', (all) => all.with(2, all[2]!.replace('s-2', 's-9')), /^the entry after 2 was changed/],
    ['a removed entry', (all) => all.toSpliced(2, 1), /^the entry after 2 is number 4 and does not follow it/],
    ['two entries that changed places', (all) => [all[0]!, all[2]!, all[1]!], /^the entry after 1 is number 3/],
    ['an entry of another chain', (all) => [...all, chainOf(1)[0]!.text], /^the entry after 6 is number 1/],
    ['something else', (all) => ['{}', ...all], /^the first entry is no entry/],
    [
      'a changed entry with a hash of its own',
      (all) => {
        const {
          seq,
          previous: _,
          hash: __,
          ...fact
        } = JSON.parse(all[2]!) as Parameters<typeof chained>[0] & { seq: number; previous: string; hash: string };
        const head = { seq: seq - 1, hash: (JSON.parse(all[1]!) as { hash: string }).hash };
        return all.with(2, chained({ ...fact, actor: 'eve' }, head, 0).text);
      },
      /^the entry after 3 is number 4 and does not follow it/,
    ],
  ])('shows %s', async (_what, change, words) => {
    expect((await check(change(texts(lines)))).problem).toMatch(words);
  });

  it('is checked from an export, newest first', async () => {
    const input = (all: string[]) => Readable.from([`${all.toReversed().join('\n')}\n`]);
    expect(await verifyExport(input(texts(lines)))).toMatch(/^6 entries, 1 to 6: none was changed/);
    await expect(verifyExport(input(texts(lines).toSpliced(1, 1)))).rejects.toThrow(/^1 entries are right, then: /);
    await expect(verifyExport(Readable.from(['']))).rejects.toThrow(/there is no entry/);
  });
});

describe('P8 the audit journal', () => {
  const clock = new VirtualClock();
  const journal = (audit: AuditStore) => new AuditJournal({ store: { audit }, clock, kept: { ageMs: 1e9, most: 1e6 } });

  it('adds entries that come meanwhile in one step', async () => {
    const steps: number[] = [];
    const inner = memoryAudit();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const audit: AuditStore = {
      ...inner,
      async append(expected, entries, kept) {
        steps.push(entries.length);
        await held;
        return inner.append(expected, entries, kept);
      },
    };
    const its = journal(audit);
    const all = [its.record(NOTE)];
    await settle();
    for (let n = 0; n < 50; n++) all.push(its.record(NOTE));
    release();
    await Promise.all(all);
    expect(steps).toEqual([1, 50]);
    expect(await check((await inner.read(undefined, 100)).toReversed())).toMatchObject({
      count: 51,
      problem: undefined,
    });
  });

  it('does not write twice what an earlier try of the store wrote, whatever came after it', async () => {
    const inner = memoryAudit();
    const other = journal(inner);
    let lost = true;
    const its = journal({
      ...inner,
      async append(expected, entries, kept) {
        if (lost) {
          // its answer got lost, another replica wrote, and the client asks again
          lost = false;
          await inner.append(expected, entries, kept);
          await other.record({ ...NOTE, actor: 'bob' });
        }
        return inner.append(expected, entries, kept);
      },
    });
    await its.record(NOTE);
    const found = (await inner.read(undefined, 10)).map((text) => (JSON.parse(text) as { actor: string }).actor);
    expect(found).toEqual(['bob', 'ann']);
  });

  it('says that the store is away, goes on when it is back, and has a bound', async () => {
    const inner = memoryAudit();
    let away = true;
    const its = journal({
      ...inner,
      async append(...args) {
        if (away) throw new StreamSpaceError('store_unavailable', 'no store');
        return inner.append(...args);
      },
    });
    await expect(its.record(NOTE)).rejects.toMatchObject({ code: 'store_unavailable', message: 'no store' });
    away = false;
    await its.record(NOTE);
    expect(await inner.read(undefined, 10)).toHaveLength(1);
    const stuck = journal({ ...inner, append: () => new Promise(() => undefined) });
    const waiting = Array.from({ length: 10_001 }, () =>
      stuck.record(NOTE).catch((error: StreamSpaceError) => error.code),
    );
    await expect(stuck.record(NOTE)).rejects.toMatchObject({ code: 'store_unavailable' });
    await settle();
    await clock.advance(10_000);
    expect(await waiting[0]).toBe('store_unavailable');
  });
});

describe('P8 pages of the audit log', () => {
  it('has filters, and goes on where it ended', async () => {
    const audit = memoryAudit();
    const its = new AuditJournal({ store: { audit }, clock: new VirtualClock(), kept: { ageMs: 1e9, most: 1e6 } });
    for (let n = 0; n < 30; n++)
      await its.record({ ...NOTE, actor: n % 3 === 0 ? 'bob' : 'ann', owner: n % 3 === 1 ? 'bob' : null });
    const seqs = async (filter: Parameters<typeof page>[1], before?: number, limit = 4) => {
      const { entries, next } = await page(audit, filter, before, limit);
      return [entries.map(({ entry }) => entry.seq), next] as const;
    };
    expect(await seqs({})).toEqual([[30, 29, 28, 27], 27]);
    expect(await seqs({}, 3)).toEqual([[2, 1], undefined]);
    expect(await seqs({ user: 'bob' })).toEqual([[28, 25, 22, 19], 19]);
    expect(await seqs({ user: 'bob' }, 19)).toEqual([[16, 13, 10, 7], 7]);
    expect(await seqs({ about: 'bob' })).toEqual([[29, 28, 26, 25], 25]);
    expect(await seqs({ action: 'screen.open' })).toEqual([[], undefined]);
  });

  it('is a table for spreadsheets in which nothing becomes a formula', () => {
    const [{ text }] = chainOf(1) as [AuditLine];
    const entry = { ...(JSON.parse(text) as object), actor: '=1+1', subject: 'a,"b"' } as never;
    const [head, row] = toCsv([{ entry, text }]).split('\r\n');
    expect(head).toMatch(/^seq,at,actor,/);
    expect(row).toContain(`,'=1+1,false,session.create,"a,""b""",ann,`);
  });
});
