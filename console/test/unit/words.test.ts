import type { Command, Session } from '@streamspace/protocol';
import { SESSION_STATES } from '@streamspace/protocol';
import { describe, expect, it } from 'vitest';
import { routeOf } from '../../src/state/route.ts';
import { overlayOf } from '../../src/viewer/overlay-words.ts';
import { refusalWords } from '../../src/words/election.ts';
import { placed } from '../../src/words/placed.ts';
import { ago, byteText, cpus, durationText, ordinal } from '../../src/words/quantities.ts';
import { quotaText } from '../../src/words/quota.ts';
import { progressOf } from '../../src/words/session.ts';
import { agentOf } from './agent-events.ts';

const session = (patch: Partial<Session> = {}): Session => ({
  id: 's-1',
  name: 'Mine',
  user: 'ada',
  template: 'desktop',
  agent: 'desk',
  platform: 'process',
  region: 'local',
  state: 'running',
  reason: null,
  cpu: 1,
  memory: 1,
  storage: 1,
  created_at: '2026-01-31T12:00:00Z',
  updated_at: '2026-01-31T12:00:00Z',
  command: 'c-1',
  ...patch,
});

const command = (state: Command['state'], attempt = 1): Command => ({
  id: 'c-1',
  action: 'create_session',
  agent: 'desk',
  session: 's-1',
  user: 'ada',
  state,
  attempt,
  error: null,
  created_at: '2026-01-31T12:00:00Z',
  updated_at: '2026-01-31T12:00:00Z',
  expires_at: '2026-01-31T13:00:00Z',
  trace_id: '',
});

describe('quantities', () => {
  it.each([
    [0.3, '0.3 ms'], [36, '36 ms'], [800, '0.8 s'], [1_234, '1.2 s'], [9_990, '10 s'], [59_400, '59 s'], [185_000, '3 min 5 s'],
    [3_600_000, '1 h'], [90_000_000, '1 day 1 h'], [864_000_000, '10 days'], [-5, '0 ms'],
  ])('%d ms is %s', (ms, words) => expect(durationText(ms)).toBe(words)); // prettier-ignore

  it('are short', () => {
    expect([byteText(2 ** 30), byteText(2 ** 28), byteText(1.5 * 2 ** 40), byteText(0)]).toEqual([
      '1 GiB',
      '256 MiB',
      '1.5 TiB',
      '0 B',
    ]);
    expect([cpus(1), cpus(0.25), cpus(2.5)]).toEqual(['1 CPU', '0.25 CPU', '2.5 CPUs']);
    expect([1, 2, 3, 4, 11, 12, 21, 102].map(ordinal)).toEqual([
      '1st',
      '2nd',
      '3rd',
      '4th',
      '11th',
      '12th',
      '21st',
      '102nd',
    ]);
    expect([ago(0, 500), ago(0, 12_000), ago(0, 86_400_000 * 3), ago(NaN, 0)]).toEqual([
      'just now',
      '12 s ago',
      '3 days ago',
      'never',
    ]);
  });
});

describe('progress', () => {
  it('says how far a session has come', () => {
    const starting = session({ state: 'starting' });
    const agent = agentOf('a', 1);
    expect(progressOf(starting, command('pending'), agent)).toBe('Accepted; waiting for agent desk to take it');
    expect(progressOf(starting, command('sent', 2), agent)).toMatch(/for the 2nd time/);
    expect(progressOf(starting, command('ack'), agent)).toBe('Agent desk is starting the desktop');
    expect(progressOf(session(), command('completed'), agent)).toBeNull();
  });

  it('failure 11: says that a command for an agent that is away waits', () => {
    expect(progressOf(session({ state: 'pending' }), command('pending'), agentOf(null, 1))).toMatch(/is away/);
  });
});

describe('the viewer’s overlay', () => {
  const phase = { kind: 'connected' } as const;
  const of = (patch: Partial<Session>) =>
    overlayOf({ session: session(patch), command: undefined, agent: undefined, phase, lostKeys: 0 });

  it('is there exactly when the screen is not', () => {
    for (const state of SESSION_STATES) expect(of({ state }) === null).toBe(state === 'running');
  });

  it('says why, and what can be done', () => {
    expect(of({ state: 'hibernated' })).toMatchObject({ action: 'wake' });
    expect(of({ state: 'failed', reason: 'no such image' })).toMatchObject({ text: 'No such image', action: 'wake' });
    expect(overlayOf({ session: null, command: undefined, agent: undefined, phase, lostKeys: 0 })).toMatchObject({
      kind: 'gone',
      action: 'back',
    });
  });
});

describe('routes', () => {
  it('are what the address says', () => {
    expect(routeOf('')).toEqual({ page: 'sessions' });
    expect(routeOf('#/sessions/s-1')).toEqual({ page: 'viewer', session: 's-1' });
    expect(routeOf('#/agents/a%20b')).toEqual({ page: 'agent', agent: 'a b' });
    expect(routeOf('#/agents/%')).toEqual({ page: 'agent', agent: '%' });
    expect(routeOf('#/agents/a/b')).toEqual({ page: 'unknown', path: '/agents/a/b' });
  });
});

describe('a refused connection', () => {
  it('has a reason and a remedy, both from the hub', () => {
    const message = 'replica-1 is connected as agent desk and answers. Set ENABLE_HA=true if these are replicas';
    expect(refusalWords({ code: 'duplicate_agent', message })).toEqual({
      why: 'replica-1 is connected as agent desk and answers',
      remedy: 'Set ENABLE_HA=true if these are replicas',
    });
  });

  it('is nothing to do about where the replica helps itself', () => {
    expect(refusalWords({ code: 'stale_term', message: 'term 3 is not above 4. Write one' }).remedy).toMatch(
      /^Nothing to do/,
    );
  });

  it('has words without any message', () => {
    expect(refusalWords({ code: 'internal', message: '' })).toMatchObject({ why: 'internal' });
  });
});

describe('V10 a session that was placed', () => {
  const template = { name: 'Desktop' };
  it.each([
    [undefined, 'Mine is on its way, on agent desk'],
    ['local', 'Mine is on its way, on agent desk'],
    ['moon', 'Mine is on its way, on agent desk in local: moon has no room for it now'],
  ])('where %s was asked for says so', (asked, words) => expect(placed(session(), template, asked)).toBe(words));

  it('elsewhere, where no region has a name', () =>
    expect(placed(session({ name: '', region: '' }), template, 'moon')).toBe(
      'Desktop is on its way, on agent desk: moon has no room for it now',
    ));
});

describe('P6 a quota in words', () => {
  it('names what is limited, and nothing else', () => {
    const used = { sessions: 3, running: 2, cpu: 1.5000000001, memory: 2 ** 30, storage: 0 };
    expect(quotaText({ limits: { running: 3 }, used })).toBe('Your quota: 2 of 3 running');
    expect(quotaText({ limits: { cpu: 4, memory: 4 * 2 ** 30 }, used })).toBe(
      'Your quota: 1.5 of 4 CPUs · 1 GiB of 4 GiB of memory',
    );
  });
});
