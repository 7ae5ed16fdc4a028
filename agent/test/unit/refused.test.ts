import type { IncomingMessage } from 'node:http';
import { VirtualClock } from '@streamspace/testkit';
import { expect, it } from 'vitest';
import { Refused } from '../../src/link/refused.ts';

const answer = (statusCode: number, headers: Record<string, string> = {}) =>
  ({ statusCode, headers }) as unknown as IncomingMessage;
const clock = new VirtualClock();

it('[CON4] a hub that refuses says its term, its remedy and when to come again', () => {
  const error = { code: 'stale_term', message: 'term 3 is not above 7', retryable: true } as const;
  const refused = Refused.byMessage({
    type: 'refuse',
    error,
    remedy: 'write a greater one',
    term: 7,
    retry_after_ms: 100,
  });
  expect(refused).toMatchObject({ code: 'stale_term', term: 7, retryAfterMs: 100, remedy: 'write a greater one' });
});

it.each([
  [answer(401), '', { code: 'unauthenticated', message: 'The hub answered 401', retryAfterMs: 0 }],
  [answer(503, { 'retry-after': '2' }), '<html>', { code: 'agent_offline', retryAfterMs: 2_000 }],
  [
    answer(503),
    '{"error":{"code":"going_away","message":"stops"}}',
    { code: 'going_away', message: 'The hub answered 503: stops' },
  ],
])('whatever answers an upgrade is understood: %#', (response, body, expected) => {
  expect(Refused.byResponse(response, body, clock)).toMatchObject(expected);
});
