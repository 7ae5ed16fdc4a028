import { unbounded } from '@streamspace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listing } from '../../src/http/listing.ts';
import { Rest } from '../support/rest.ts';

let hub: Rest;
beforeAll(async () => {
  hub = await Rest.start();
});
afterAll(() => hub.stop());

/** The console's files and the documentation's pages take nothing from who asks. */
const apiRoutes = () => hub.links.routes.filter(({ url }) => url.startsWith('/api/') && !url.endsWith('/openapi.json'));

describe('S3 every schema of the routes has bounds', () => {
  it('and every route has one for each thing that it reads', () => {
    expect(apiRoutes().length).toBeGreaterThan(20);
    for (const { method, url, schema } of apiRoutes()) {
      const at = `${String(method)} ${url}`;
      if (url.includes(':')) expect(schema?.params, `params of ${at}`).toBeDefined();
      if (method === 'POST' || method === 'PATCH' || method === 'PUT')
        expect(schema?.body, `body of ${at}`).toBeDefined();
    }
  });

  it('body, query, parameters, headers and answers', () => {
    const problems = apiRoutes().flatMap(({ method, url, schema }) => {
      const { body, querystring, params, headers, response } = schema ?? {};
      // HTTP itself bounds what headers there may be
      const named = headers === undefined ? undefined : { ...headers, additionalProperties: false };
      const answers = Object.entries((response ?? {}) as Record<string, { content?: Record<string, unknown> }>).map(
        ([status, answer]) => [
          status,
          answer.content === undefined ? answer : (Object.values(answer.content)[0] as { schema: unknown }).schema,
        ],
      );
      return Object.entries({ body, querystring, params, headers: named, ...Object.fromEntries(answers) })
        .filter(([, each]) => each !== undefined)
        .flatMap(([part, each]) => unbounded(each, `${String(method)} ${url} ${part}`));
    });
    expect(problems).toEqual([]);
  });

  it.each([
    ['storage', 1e300],
    ['storage', 1],
    ['cpu', 1e-300],
    ['cpu', 1e6],
    ['memory', 1e-9],
    ['memory', 2 ** 60],
  ])('a session with %s %d is refused, and the answer names the field', async (field, value) => {
    const answer = await hub.as('alice', 'POST', 'sessions', { template: 'desktop', [field]: value });
    expect(answer.status).toBe(400);
    const fields = answer.body.error.details.fields as { field: string }[];
    expect([...new Set(fields.map((each) => each.field))]).toEqual([field]);
  });
});

describe('S3 a list in an answer is bounded', () => {
  const items = Array.from({ length: 100 }, (_, n) => ({ n, text: 'é'.repeat(100) }));

  it('as many as fit, and how many were left off', () => {
    const { items: some, left_off } = listing(items, 5_000);
    expect(Buffer.byteLength(JSON.stringify(some))).toBeLessThanOrEqual(5_001);
    expect(some).toEqual(items.slice(0, some.length));
    expect(some.length + left_off!).toBe(100);
  });

  it('all of them where they fit, without a word; one at least', () => {
    expect(listing(items)).toEqual({ items });
    expect(listing([], 10)).toEqual({ items: [] });
    expect(listing(items, 10)).toEqual({ items: items.slice(0, 1), left_off: 99 });
  });
});
