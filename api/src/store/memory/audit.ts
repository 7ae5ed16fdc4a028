import type { AuditHead, AuditLine, AuditStore } from '../store.ts';
import { FIRST_AUDIT_HEAD } from '../kept.ts';

export function memoryAudit(): AuditStore {
  let lines: AuditLine[] = [];
  let head: AuditHead = FIRST_AUDIT_HEAD;
  return {
    head: async () => head,

    async append(expected, entries, { since, most }) {
      if (expected.seq !== head.seq || expected.hash !== head.hash) return head;
      const last = entries.at(-1);
      if (last === undefined) return undefined;
      lines.push(...entries);
      head = { seq: last.seq, hash: last.hash };
      const young = lines.findIndex(({ at }) => at >= since);
      const drop = Math.max(young === -1 ? lines.length : young, lines.length - most);
      if (drop > 0) lines = lines.slice(drop);
      return undefined;
    },

    async read(before, limit) {
      const end = before === undefined ? lines.length : lines.findIndex(({ seq }) => seq >= before);
      const upTo = end === -1 ? lines.length : end;
      return lines
        .slice(Math.max(0, upTo - limit), upTo)
        .map(({ text }) => text)
        .toReversed();
    },
  };
}
