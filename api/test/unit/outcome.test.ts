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

describe('K3 a refused command leaves its session as it was', () => {
  const refused = (code: string, fields: Partial<CommandRecord>) =>
    sessionPatch(command({ attempt: 1, ...fields }), { error: { ...error, code: code as 'conflict' } }, 'now')?.state;

  test.each(['running', 'hibernated', 'failed'] as const)('one that was %s', (former) => {
    for (const code of ['conflict', 'superseded', 'invalid_request', 'at_capacity']) {
      for (const action of ['delete_session', 'hibernate_session', 'wake_session'] as const)
        expect(refused(code, { action, former })).toBe(former);
      expect(refused(code, { action: 'create_session', former })).toBe('failed');
    }
  });

  test('not where that was on its way to another, nor where it is not known', () => {
    expect(refused('conflict', { action: 'delete_session', former: 'starting' })).toBe('failed');
    expect(refused('conflict', { action: 'delete_session' })).toBe('failed');
  });

  test('and a command that was not even sent is one; what may have begun is none', () => {
    const about = { action: 'delete_session', former: 'running' } as const;
    expect(refused('command_expired', { ...about, attempt: 0 })).toBe('running');
    expect(refused('command_expired', about)).toBe('failed');
    expect(refused('command_timeout', about)).toBe('failed');
    expect(refused('driver_failed', about)).toBe('failed');
  });

  test('with the reason, and a session that is not there is none to go back to', () => {
    const wake = command({ action: 'wake_session', former: 'hibernated' });
    expect(sessionPatch(wake, { error: { ...error, code: 'not_found' } }, 'now')).toEqual({
      state: 'failed',
      reason: 'no',
      updated_at: 'now',
    });
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
