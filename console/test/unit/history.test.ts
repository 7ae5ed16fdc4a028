import { describe, expect, it } from 'vitest';
import { historyOf } from '../../src/timeline/history.ts';
import { agentOf, EventLog, NOON } from './agent-events.ts';

const seconds = (at: number | null) => (at === null ? null : (at - NOON) / 1000);

describe('an agent’s history', () => {
  it('is empty without events', () => {
    expect(historyOf([], null)).toEqual({ lanes: [], reigns: [], gaps: [], refusals: [], presences: [], from: null });
  });

  it('has a gap between the end of one leader and the start of the next', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(10, 'no heartbeat').registered(10.8, 'b', 2);
    const { reigns, gaps } = historyOf(log.events, agentOf('b', 2));
    expect(reigns.map(({ replica, term, from, to }) => [replica, term, seconds(from), seconds(to)])).toEqual([
      ['a', 1, 0, 10],
      ['b', 2, 10.8, null],
    ]);
    expect(gaps).toEqual([{ from: NOON + 10_000, to: NOON + 10_800, before: 'a', after: 'b', reason: 'no heartbeat' }]);
  });

  it('has no gap where the successor came before the connection ended [CON8]', () => {
    const log = new EventLog().registered(0, 'a', 1).registered(10, 'b', 2);
    const { reigns, gaps } = historyOf(log.events, agentOf('b', 2));
    expect(reigns[0]).toMatchObject({ to: NOON + 10_000, endedBy: null });
    expect(gaps).toEqual([]);
  });

  it('has an open gap while nobody leads', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(10, 'goodbye');
    expect(historyOf(log.events, agentOf(null, 1)).gaps).toMatchObject([{ to: null, after: null }]);
  });

  it('keeps refusals with their code, and a lane for who was only ever refused', () => {
    const log = new EventLog().registered(0, 'a', 1).refused(5, 'b', 0, 'duplicate_agent');
    const history = historyOf(log.events, agentOf('a', 1));
    expect(history.refusals).toMatchObject([{ at: NOON + 5_000, replica: 'b', code: 'duplicate_agent' }]);
    expect(history.lanes).toEqual(['a', 'b']);
  });

  it('shows the present leader though its registration is not kept any more', () => {
    const { reigns } = historyOf([], agentOf('a', 9, [], 3));
    expect(reigns).toMatchObject([{ replica: 'a', term: 9, from: NOON + 3_000, to: null }]);
  });

  it('reads events by their ids, not by the order in which they came', () => {
    const log = new EventLog().registered(0, 'a', 1).disconnected(10, 'x').registered(11, 'b', 2);
    expect(historyOf(log.events.toReversed(), null)).toEqual(historyOf(log.events, null));
  });
});

describe('presence of replicas', () => {
  it('ends for a killed leader when it led last, and begins anew when it is back', () => {
    const log = new EventLog()
      .registered(0, 'a', 1)
      .updated(1, agentOf('a', 1, ['b', 'c']))
      .disconnected(10, 'killed')
      .registered(10.5, 'b', 2)
      .updated(11, agentOf('b', 2, ['c'], 10.5));
    const now = agentOf('b', 2, ['c'], 10.5);
    now.replicas.push({ name: 'a', role: 'standby', since: new Date(NOON + 20_000).toISOString() });
    const spans = historyOf(log.events, now).presences.map(({ replica, from, to }) => [
      replica,
      seconds(from),
      seconds(to),
    ]);
    expect(spans).toEqual([
      ['a', 0, 10],
      ['b', 0, null],
      ['c', 0, null],
      ['a', 20, null],
    ]);
  });

  it('does not break a standby’s line while a new leader knows only itself', () => {
    const log = new EventLog()
      .registered(0, 'a', 1)
      .updated(1, agentOf('a', 1, ['b', 'c']))
      .disconnected(10, 'killed')
      .registered(10.5, 'b', 2)
      .updated(10.6, agentOf('b', 2, [], 10.5))
      .updated(10.9, agentOf('b', 2, ['c'], 10.5));
    const spans = historyOf(log.events, agentOf('b', 2, ['c'], 10.5)).presences.filter(
      ({ replica }) => replica === 'c',
    );
    expect(spans).toEqual([{ replica: 'c', from: NOON, to: null }]);
  });

  it('ends for everybody when the agent is away: nobody tells about them', () => {
    const log = new EventLog()
      .registered(0, 'a', 1)
      .updated(1, agentOf('a', 1, ['b']))
      .disconnected(10, 'killed');
    const away = { ...agentOf('a', 1, ['b']), connected: false };
    expect(historyOf(log.events, away).presences.map(({ to }) => seconds(to))).toEqual([10, 10]);
  });

  it('has a hole where all were away for a while and came back', () => {
    const log = new EventLog()
      .registered(0, 'a', 1)
      .updated(1, agentOf('a', 1, ['b']))
      .disconnected(10, 'all stopped');
    const back = agentOf('a', 2, [], 100);
    back.replicas.push({ name: 'b', role: 'standby', since: new Date(NOON + 99_000).toISOString() });
    log
      .registered(100, 'a', 2)
      .updated(100.1, agentOf('a', 2, [], 100))
      .updated(101, back);
    const spans = historyOf(log.events, back).presences.filter(({ replica }) => replica === 'b');
    expect(spans.map(({ from, to }) => [seconds(from), seconds(to)])).toEqual([
      [0, 10],
      [99, null],
    ]);
  });
});
