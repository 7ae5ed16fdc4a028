import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { AUDIT_ACTIONS, AUDIT_RESULTS, AuditEntry } from '@streamspace/protocol';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { HubDeps } from '../deps.ts';
import { route } from '../http/route.ts';
import { toCsv } from './csv.ts';
import { type AuditFilter, page } from './page.ts';

const closed = { additionalProperties: false } as const;
const FORMATS = { json: 'application/json', ndjson: 'application/x-ndjson', csv: 'text/csv' } as const;

/** GET /audit: the whole log for admins; for others, what was done by them or to what is theirs. */
export function auditRoutes(scope: FastifyInstance, { store }: Pick<HubDeps, 'store'>): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>();
  app.get(
    '/audit',
    route({
      tag: 'audit',
      summary: 'Entries of the audit log, newest first',
      description:
        "An admin sees all of them, other users what they did and what was done to theirs. `next` is the `before` of the next page; without it there are no more. `format=ndjson` has the entries' own texts, of which the hashes are; `csv` is for spreadsheets; both have `next` as the header `x-next`.",
      querystring: Type.Object(
        {
          before: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,15}$', maxLength: 16 })),
          limit: Type.Optional(
            Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', maxLength: 4, description: '1 to 1000' }),
          ),
          user: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
          action: Type.Optional(Type.Enum([...AUDIT_ACTIONS])),
          subject: Type.Optional(Type.String({ minLength: 1, maxLength: 320 })),
          result: Type.Optional(Type.Enum([...AUDIT_RESULTS])),
          format: Type.Optional(Type.Enum(['json', 'ndjson', 'csv'])),
        },
        closed,
      ),
      answer: Type.Object(
        {
          items: Type.Array(AuditEntry, { maxItems: 1_000 }),
          next: Type.Union([Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()]),
        },
        closed,
      ),
    }),
    async ({ query, user }, reply) => {
      const { before, limit = '100', format = 'json', ...wanted } = query;
      const filter: AuditFilter = { ...wanted, ...(!user.admin && { about: user.id }) };
      const { entries, next } = await page(
        store.audit,
        filter,
        before === undefined ? undefined : Number(before),
        Number(limit),
      );
      void reply.header('cache-control', 'no-store').type(`${FORMATS[format]}; charset=utf-8`);
      if (format === 'json') return { items: entries.map(({ entry }) => entry), next: next ?? null };
      if (next !== undefined) void reply.header('x-next', String(next));
      return reply.send(format === 'csv' ? toCsv(entries) : entries.map(({ text }) => `${text}\n`).join(''));
    },
  );
}
