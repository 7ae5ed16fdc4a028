import { ERRORS, SESSION_STATES, type SessionState, StreamSpaceError } from '@streamspace/protocol';
import { describe, expect, it } from 'vitest';
import { decide, type UserOperation, requireScreen } from '../../src/sessions/rules.ts';

/** State: what an operation does in it. `x` is a conflict. */
const TABLE: Record<Exclude<SessionState, 'gone'>, Record<UserOperation, 'begin' | 'repeat' | 'x'>> = {
  pending: { hibernate: 'x', wake: 'x', delete: 'begin' },
  starting: { hibernate: 'x', wake: 'x', delete: 'begin' },
  running: { hibernate: 'begin', wake: 'x', delete: 'begin' },
  hibernating: { hibernate: 'repeat', wake: 'x', delete: 'begin' },
  hibernated: { hibernate: 'x', wake: 'begin', delete: 'begin' },
  waking: { hibernate: 'x', wake: 'repeat', delete: 'begin' },
  deleting: { hibernate: 'x', wake: 'x', delete: 'repeat' },
  failed: { hibernate: 'x', wake: 'begin', delete: 'begin' },
};
const rows = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(
    ([operation, expected]) => [operation as UserOperation, state as SessionState, expected] as const,
  ),
);

describe('[SES1] what may be asked of a session', () => {
  it.each(rows)('%s in state %s: %s', (operation, state, expected) => {
    const ask = () => decide(operation, { id: 's1', state });
    if (expected !== 'x') return expect(ask()).toBe(expected);
    expect(ask).toThrow(StreamSpaceError);
    expect(ask).toThrow(new RegExp(`^session s1 is ${state} and can't ${operation} now: .+`));
    expect(ask).toThrow(expect.objectContaining({ code: 'conflict', details: { state } }));
  });

  it.each(['hibernate', 'wake', 'delete'] as const)('%s of one that is gone is not_found', (operation) => {
    expect(() => decide(operation, { id: 's1', state: 'gone' })).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    );
  });

  it.each(SESSION_STATES)('the screen in state %s', (state) => {
    const ask = () => requireScreen({ id: 's1', state });
    if (state === 'running') return ask();
    expect(ask).toThrow(expect.objectContaining({ code: 'session_not_running' }));
    expect(ERRORS.session_not_running.retryable).toBe(true);
  });
});
