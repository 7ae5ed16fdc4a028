import type { AuditAction, AuditEntry } from '@streamspace/protocol';
import type { AuditStore } from '../store/store.ts';

export interface AuditFilter {
  readonly user?: string | undefined;
  readonly action?: AuditAction | undefined;
  readonly subject?: string | undefined;
  readonly result?: AuditEntry['result'] | undefined;
  /** Only what this user did, or what was done to theirs. */
  readonly about?: string | undefined;
}

export interface AuditPageEntry {
  readonly entry: AuditEntry;
  readonly text: string;
}

/** Entries read at a time, and at most for one page: a rare one is found by several pages. */
const STEP = 1_000;
const MOST_READ = 20_000;

/** Up to `limit` entries that fit, newest first; `next`: the `before` of the next page; undefined: that was all. */
export async function page(
  audit: Pick<AuditStore, 'read'>,
  filter: AuditFilter,
  before: number | undefined,
  limit: number,
): Promise<{ entries: AuditPageEntry[]; next: number | undefined }> {
  const entries: AuditPageEntry[] = [];
  let at = before;
  for (let read = 0; read < MOST_READ; read += STEP) {
    const texts = await audit.read(at, STEP);
    for (const text of texts) {
      const entry = JSON.parse(text) as AuditEntry;
      at = entry.seq;
      if (fits(entry, filter)) entries.push({ entry, text });
      if (entries.length === limit) return { entries, next: at };
    }
    if (texts.length < STEP) return { entries, next: undefined };
  }
  return { entries, next: at };
}

const fits = (entry: AuditEntry, { user, action, subject, result, about }: AuditFilter): boolean =>
  (user === undefined || entry.actor === user) &&
  (action === undefined || entry.action === action) &&
  (subject === undefined || entry.subject === subject) &&
  (result === undefined || entry.result === result) &&
  (about === undefined || entry.actor === about || entry.owner === about);
