import { createHash } from 'node:crypto';
import type { AuditEntry } from '@streamspace/protocol';
import type { AuditHead, AuditLine } from '../store/store.ts';

/** What happened, without its place in the chain. */
export type AuditFact = Omit<AuditEntry, 'seq' | 'previous' | 'hash'>;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
/** A text without its hash, which is its last field. */
const HASHED = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s;

/** The entry that follows `head`. */
export function chained(fact: AuditFact, head: AuditHead, at: number): AuditLine {
  const { actor, admin, action, subject, owner, result, code, address, trace_id, details } = fact;
  const seq = head.seq + 1;
  // the order of these fields is that of the text
  const entry: Omit<AuditEntry, 'hash'> = {
    seq,
    at: fact.at,
    actor,
    admin,
    action,
    subject,
    owner,
    result,
    code,
    address,
    trace_id,
    details,
    previous: head.hash,
  };
  const text = JSON.stringify(entry);
  const hash = hashOf(text);
  return { seq, at, hash, text: `${text.slice(0, -1)},"hash":"${hash}"}` };
}

/** What is wrong with entries that follow each other, oldest first; `count`: of the entries that are right. */
export interface Checked {
  readonly count: number;
  readonly first: number | undefined;
  readonly last: AuditHead | undefined;
  readonly problem: string | undefined;
}

/** Checks texts of entries, oldest first. The first one may follow entries that are not kept any more. */
export async function check(texts: AsyncIterable<string> | Iterable<string>): Promise<Checked> {
  let count = 0;
  let first: number | undefined;
  let last: AuditHead | undefined;
  for await (const text of texts) {
    const where = last === undefined ? 'the first entry' : `the entry after ${last.seq}`;
    const wrong = (problem: string): Checked => ({ count, first, last, problem: `${where} ${problem}` });
    const [, hashed, hash] = HASHED.exec(text) ?? [];
    if (hashed === undefined || hash === undefined) return wrong('is no entry of an audit log');
    if (hashOf(`${hashed}}`) !== hash) return wrong('was changed: its hash is of another text');
    const { seq, previous } = JSON.parse(text) as AuditEntry;
    if (last !== undefined && (seq !== last.seq + 1 || previous !== last.hash))
      return wrong(`is number ${seq} and does not follow it: entries are missing, or of another log`);
    first ??= seq;
    last = { seq, hash };
    count++;
  }
  return { count, first, last, problem: undefined };
}
