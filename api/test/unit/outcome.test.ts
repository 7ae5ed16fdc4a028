import { describe, expect, test } from 'vitest';
import { expired } from '../../src/commands/expiry.ts';
import { sessionPatch } from '../../src/commands/outcome.ts';
import type { CommandRecord } from '../../src/store/store.ts';

const command = (fields: Partial<CommandRecord> = {}): CommandRecord =>
  ({ id: 'c1', action: 'hibernate_session', session: 's1', ...fields }) as CommandRecord;
const error = { code: 'driver_failed', message: 'no', retryable: false } as const;

describe("a command's end changes its session", () => {
  test('not when there is none', () => {
    expect(sessionPatch(command({ session: null }), {}, 'now')).toBeUndefined();
    expect(sessionPatch(command({ action: 'list_sessions' }), {}, 'now')).toBeUndefined();
  });

  test('to what the agent says it is now, with its reason', () => {
    const status = { spec: {} as never, state: 'failed' as const, reason: 'crashed right away' };
    const create = command({ action: 'create_session' });
    expect(sessionPatch(create, { session: status }, 'now')).toEqual({
      state: 'failed',
      reason: 'crashed right away',
      updated_at: 'now',
    });
    expect(sessionPatch(command(), { error, session: status }, 'now')).toMatchObject({
      state: 'failed',
      reason: 'no',
    });
    // a session that could not be made has failed, whatever is left of it
    expect(sessionPatch(create, { error, session: { ...status, state: 'running' } }, 'now')).toMatchObject({
      state: 'failed',
    });
    expect(
      sessionPatch(command({ action: 'delete_session' }), { session: { ...status, state: 'running' } }, 'now'),
    ).toMatchObject({ state: 'gone' });
  });
});

describe('[CMD7] expiry', () => {
  const expires = Date.UTC(2030, 0, 1);
  const at = (connected: boolean | undefined, ms: number): boolean =>
    expired(
      { expires_at: new Date(expires).toISOString() },
      connected === undefined ? undefined : { connected },
      expires + ms,
      300_000,
    );

  test.each([undefined, false])('after expires_at, not before, when the agent is away (%s)', (connected) => {
    expect(at(connected, 0)).toBe(false);
    expect(at(connected, 1)).toBe(true);
  });

  test('a connected agent has the time of a command more', () => {
    expect(at(true, 300_000)).toBe(false);
    expect(at(true, 300_001)).toBe(true);
  });
});
