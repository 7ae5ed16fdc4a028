import { apiErrorOf } from 'kube-client';
import { describe, expect, it } from 'vitest';
import { LockError } from '../../src/index.ts';
import { lockErrorOf, refusedStatus } from '../../src/kubernetes/refusal.ts';

describe('what the API server refused a lock', () => {
  it('is the lock’s error, with its reason, and how long to wait', () => {
    const error = lockErrorOf(apiErrorOf(429, '{"message":"slow down"}', '7'), 'GET /x');
    expect(error).toBeInstanceOf(LockError);
    expect(error).toMatchObject({ retryAfterMs: 7000, message: 'GET /x: 429 slow down' });
    expect(refusedStatus(error)).toBe(429);
  });

  it('names the remedy when a right is missing', () => {
    const error = lockErrorOf(apiErrorOf(403, '{"message":"leases is forbidden"}'), 'POST /x');
    expect(error).toMatchObject({ message: expect.stringMatching(/leases is forbidden.*role/) as string });
  });

  it('is not said of what is no refusal', () => {
    const error = new Error('connect ECONNREFUSED');
    expect(lockErrorOf(error, 'GET /x')).toBe(error);
    expect(refusedStatus(error)).toBeUndefined();
  });
});
