import { StreamSpaceError } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, test } from 'vitest';
import type { AgentLink } from '../../src/agents/link/link.ts';
import { forgotten } from '../../src/agents/fleet/reclaim.ts';
import { retrying } from '../../src/flow/retrying.ts';
import { Roster } from '../../src/agents/fleet/roster.ts';
import { nextState } from '../../src/agents/reports/session-report.ts';
import { Throttle } from '../../src/flow/throttle.ts';
import { Turns } from '../../src/flow/turns.ts';
import { WorkQueue } from '../../src/flow/work-queue.ts';
import type { AgentRecord } from '../../src/store/store.ts';

const gate = (): { open: () => void; passed: Promise<void> } => {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work queue', () => {
  test('one piece at a time, in order; a failed one is reported and the rest goes on', async () => {
    const done: string[] = [];
    const failed: unknown[] = [];
    const queue = new WorkQueue({ pieces: 10, bytes: 100 }, (error) => failed.push(error));
    const first = gate();
    queue.push(1, async () => {
      await first.passed;
      done.push('first');
    });
    queue.push(1, () => Promise.reject(new Error('second')));
    queue.push(1, async () => void done.push('third'));
    await settled();
    expect(done).toEqual([]);
    first.open();
    await settled();
    expect(done).toEqual(['first', 'third']);
    expect(failed).toEqual([new Error('second')]);
  });

  test('bounded in pieces and in bytes, and free again when the work is done', async () => {
    const queue = new WorkQueue({ pieces: 2, bytes: 100 }, () => {});
    const hold = gate();
    const wait = (): Promise<void> => hold.passed;
    expect(queue.push(60, wait)).toBe(true);
    expect(queue.push(60, wait)).toBe(false);
    expect(queue.push(10, wait)).toBe(true);
    expect(queue.push(10, wait)).toBe(true);
    expect(queue.push(10, wait)).toBe(false);
    hold.open();
    await settled();
    expect(queue.push(100, wait)).toBe(true);
  });

  test('what was dropped never runs; what comes afterwards does', async () => {
    const done: string[] = [];
    const queue = new WorkQueue({ pieces: 10, bytes: 100 }, () => {});
    const hold = gate();
    queue.push(1, () => hold.passed);
    queue.push(1, async () => void done.push('dropped'));
    queue.drop();
    queue.last(async () => void done.push('last'));
    hold.open();
    await settled();
    expect(done).toEqual(['last']);
  });
});

test('work queue: lanes run side by side, each in its order; a piece without one is alone', async () => {
  const done: string[] = [];
  const queue = new WorkQueue({ pieces: 10, bytes: 100 }, () => {});
  const [a, alone] = [gate(), gate()];
  const step = (name: string, until?: Promise<void>) => async (): Promise<void> => {
    await until;
    done.push(name);
  };
  queue.push(1, step('a1', a.passed), 'a');
  queue.push(1, step('b1'), 'b');
  queue.push(1, step('a2'), 'a');
  queue.push(1, step('alone', alone.passed));
  queue.push(1, step('c1'), 'c');
  await settled();
  expect(done).toEqual(['b1']);
  a.open();
  await settled();
  expect(done).toEqual(['b1', 'a1', 'a2']);
  alone.open();
  await settled();
  expect(done).toEqual(['b1', 'a1', 'a2', 'alone', 'c1']);
});

test('work queue: a bounded number of lanes side by side; the next begins when one of them is free', async () => {
  const queue = new WorkQueue({ pieces: 1_000, bytes: 1_000 }, () => {});
  const gates = Array.from({ length: 100 }, gate);
  const begun: number[] = [];
  gates.forEach(({ passed }, lane) =>
    queue.push(
      1,
      () => {
        begun.push(lane);
        return passed;
      },
      `lane ${lane}`,
    ),
  );
  await settled();
  expect(begun).toHaveLength(64);
  gates[7]!.open();
  await settled();
  expect(begun).toHaveLength(65);
  for (const { open } of gates) open();
  await settled();
  expect(begun).toEqual(gates.map((_gate, lane) => lane));
});

describe('[CON6] a superseded link', () => {
  const link = (term: number, replica = `r${term}`) => {
    const errors: StreamSpaceError[] = [];
    const work = new WorkQueue({ pieces: 10, bytes: 100 }, () => {});
    const made = { agentId: 'a1', connectionId: `conn-${term}`, replica, term, work, end: errors.push.bind(errors) };
    return { ...made, errors, asLink: Object.assign(made, {}) as unknown as AgentLink };
  };

  test.each(['here', 'at another replica of the hub'])(
    'keeps nothing of its queue: its successor is %s',
    async (where) => {
      const [old, successor] = [link(1), link(2)];
      const roster = new Roster();
      roster.admit(old.asLink);
      const done: string[] = [];
      const hold = gate();
      old.work.push(1, () => hold.passed);
      old.work.push(1, async () => void done.push('said before'));
      old.work.push(1, async () => void done.push('said before'), 'lane');
      if (where === 'here') roster.admit(successor.asLink);
      else {
        roster.supersede('a1', 'another connection', 'it is not meant');
        expect(old.errors).toEqual([]);
        roster.supersede('a1', 'conn-1', 'accepted elsewhere');
      }
      hold.open();
      await settled();
      expect(done).toEqual([]);
      expect(old.errors.map(({ code }) => code)).toEqual(['superseded']);
    },
  );

  const since = '2026-01-01T00:00:00.000Z';
  const later = '2026-01-01T00:00:00.001Z';
  test.each<[string, Partial<AgentRecord> | undefined, boolean]>([
    ['the store has nothing', undefined, true],
    ['the store went back to an older term', { term: 4 }, true],
    ['a greater term was accepted', { term: 6, connected_since: '2025-01-01T00:00:00.000Z' }, false],
    ['another replica has its term', { leader: 'r2', connected_since: null }, false],
    ['its replica is connected anew', { connected_since: later }, false],
    ['it is the connection itself', { connected_since: since }, false],
    [
      'the store went back to an earlier connection of its replica',
      { connected_since: '2025-12-31T23:59:59.999Z' },
      true,
    ],
    ['its connection was let go of', { connected_since: null }, true],
  ])('may not register again; %s: %s', (_what, record, may) => {
    const found = record && ({ term: 5, leader: 'r1', connected_since: since, ...record } as AgentRecord);
    expect(forgotten(found, { term: 5, replica: 'r1', since })).toBe(may);
  });
});

describe('turns', () => {
  test('one at a time for each key, others side by side, a failure lets the next go', async () => {
    const turns = new Turns(5);
    const order: string[] = [];
    const a = gate();
    const first = turns.run('a', async () => {
      order.push('a1');
      await a.passed;
      throw new Error('no');
    });
    const second = turns.run('a', async () => void order.push('a2'));
    await turns.run('b', async () => void order.push('b1'));
    expect(order).toEqual(['a1', 'b1']);
    a.open();
    await expect(first).rejects.toThrow('no');
    await second;
    expect(order).toEqual(['a1', 'b1', 'a2']);
  });

  test('a bounded number may wait', async () => {
    const turns = new Turns(1);
    const hold = gate();
    const running = turns.run('a', () => hold.passed);
    const waiting = turns.run('a', async () => {});
    await expect(turns.run('a', async () => {})).rejects.toMatchObject({ code: 'rate_limited' });
    hold.open();
    await Promise.all([running, waiting]);
    await turns.run('a', async () => {});
  });
});

test('throttle: a burst, then one a while, for each key; it forgets the oldest keys', async () => {
  const clock = new VirtualClock();
  const throttle = new Throttle(clock, { burst: 2, everyMs: 1000, keys: 2 });
  const passes = (key: string, times: number): boolean[] => Array.from({ length: times }, () => throttle.pass(key));
  expect(passes('a', 3)).toEqual([true, true, false]);
  expect(throttle.pass('b')).toBe(true);
  await clock.advance(999);
  expect(throttle.pass('a')).toBe(false);
  await clock.advance(1);
  expect(passes('a', 2)).toEqual([true, false]);
  throttle.pass('c');
  expect(passes('b', 2)).toEqual([true, true]);
});

describe('retrying', () => {
  const away = new StreamSpaceError('store_unavailable', 'no store');

  test('tries a store that is away again for a quarter of an hour, then gives up', async () => {
    const clock = new VirtualClock();
    let tries = 0;
    const result = retrying(clock, new AbortController().signal, () => {
      tries++;
      return Promise.reject(away);
    });
    const outcome = expect(result).rejects.toBe(away);
    await clock.advance(2_599);
    expect(tries).toBe(3);
    await clock.advance(1);
    expect(tries).toBe(4);
    await clock.advance(14 * 60_000);
    expect(clock.pending).toBe(1);
    await clock.advance(60_000);
    await outcome;
    expect(clock.pending).toBe(0);
  });

  test('not for other errors, and not after the signal', async () => {
    const clock = new VirtualClock();
    const wrong = new StreamSpaceError('conflict', 'x');
    await expect(retrying(clock, new AbortController().signal, () => Promise.reject(wrong))).rejects.toBe(wrong);
    const closing = new AbortController();
    const result = retrying(clock, closing.signal, () => Promise.reject(away));
    const outcome = expect(result).rejects.toThrow('closed');
    await settled();
    closing.abort(new Error('closed'));
    await outcome;
    expect(clock.pending).toBe(0);
  });
});

describe('[SES1] what a session becomes by what its agent says', () => {
  test.each([
    ['running', 'failed', false, 'failed'],
    ['failed', 'running', false, 'running'],
    ['hibernated', 'running', false, 'running'],
    ['deleting', 'running', false, 'running'],
    ['gone', 'running', false, undefined],
    ['pending', 'starting', true, 'starting'],
    ['starting', 'running', true, 'running'],
    ['starting', 'hibernated', true, undefined],
    ['waking', 'starting', true, 'waking'],
    ['waking', 'hibernated', true, undefined],
    ['waking', 'running', true, 'running'],
    ['hibernating', 'running', true, undefined],
    ['deleting', 'failed', true, undefined],
  ] as const)('%s, reported %s, command open %s: %s', (current, reported, open, next) => {
    expect(nextState(current, reported, open)).toBe(next);
  });
});
