import { FIRST_AUDIT_HEAD } from '../kept.ts';
import type { AuditHead, AuditStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { KEYS } from './keys.ts';
import { SCRIPTS } from './scripts.ts';

type Entry = [id: string, fields: ['at', string, 'text', string]];

/** As the store keeps the newest entry's number and hash. */
const toText = ({ seq, hash }: AuditHead): string => (seq === 0 ? '' : `${seq} ${hash}`);
function fromText(text: string | null): AuditHead {
  const [seq, hash] = (text ?? '').split(' ');
  return hash === undefined ? FIRST_AUDIT_HEAD : { seq: Number(seq), hash };
}

/** The log and its head have one slot, so that they change in one step. */
export function redisAudit(connection: RedisConnection): AuditStore {
  return {
    head: async () => fromText(await connection.do((client) => client.get(KEYS.auditHead))),

    async append(expected, entries, { since, most }) {
      const last = entries.at(-1);
      if (last === undefined) return undefined;
      const lines = entries.flatMap(({ seq, at, text }) => [seq, at, text]);
      const found = (await connection.runDurably(
        SCRIPTS.appendAudit,
        [KEYS.audit, KEYS.auditHead],
        [toText(expected), toText(last), since, most, ...lines],
      )) as string | null;
      return found === null ? undefined : fromText(found);
    },

    async read(before, limit) {
      const end = before === undefined ? '+' : `(${before}-0`;
      const found = await connection.do((client) => client.xrevrange(KEYS.audit, end, '-', 'COUNT', limit));
      return (found as Entry[]).map(([, fields]) => fields[3]);
    },
  };
}
