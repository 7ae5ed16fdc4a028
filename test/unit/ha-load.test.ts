import type { Command } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fact } from '../../ci/ha/history.ts';
import type { Hub } from '../../ci/ha/hub.ts';
import { Load } from '../../ci/ha/load.ts';

const command = (id: string, state: Command['state'] = 'completed'): Command =>
  ({ id, state, attempt: 1, error: null, updated_at: '2026-01-01T00:00:00.000Z' }) as Command;

describe('the load of the HA scenarios', () => {
  let facts: Fact[];
  let answers: 'accept' | 'nobody' | 'refuse';
  let load: Load;
  let count: number;
  const of = (kind: Fact['kind'], op?: string) =>
    facts.filter((fact) => fact.kind === kind && (op === undefined || ('op' in fact && fact.op === op)));
  const answer = async (session?: string) => {
    if (answers === 'nobody') throw new Error('nobody answers');
    if (answers === 'refuse') return { status: 503, body: { error: { code: 'store_unavailable' } } };
    const body = command(`c${count++}`, 'pending');
    return { status: 202, body: session === undefined ? body : { session: { id: session }, command: body } };
  };
  const hub = {
    list: () => answer(),
    create: (key: string) => answer(`s-${key}`),
    delete: (session: string) => answer(session),
    command: async (id: string) => ({ status: 200, body: command(id) }),
  } as unknown as Hub;
  /** The events that end every command that was accepted. */
  const finish = () => {
    for (const fact of facts) if (fact.kind === 'accepted') load.seen(command(fact.command));
  };

  beforeEach(() => {
    vi.useFakeTimers();
    [facts, answers, count] = [[], 'accept', 0];
    load = new Load(
      hub,
      (fact) => facts.push(fact),
      () => 0,
    );
  });
  afterEach(() => vi.useRealTimers());

  it('is more than five commands a second, however long they take', async () => {
    load.start('t');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(of('accepted').length).toBeGreaterThan(50);
    expect(of('accepted', 'create').length).toBeGreaterThan(2);
    expect(of('seen')).toEqual([]);
  });

  it.each(['nobody', 'refuse'] as const)('asks no less when the answer is %s, and is told so', async (how) => {
    answers = how;
    load.start('t');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(of('asked', 'list').length).toBeGreaterThan(50);
    expect(of('accepted')).toEqual([]);
    expect(of(how === 'nobody' ? 'unanswered' : 'refused').length).toBeGreaterThan(50);
    // the same request again, until it is answered
    answers = 'accept';
    await vi.advanceTimersByTimeAsync(1_000);
    const keys = of('accepted', 'create').map((fact) => 'key' in fact && fact.key);
    expect(keys).toContain('t-c0');
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('deletes what it created, and ends when everything has', async () => {
    load.start('t');
    await vi.advanceTimersByTimeAsync(5_000);
    finish();
    let over = false;
    void load.stop(60_000).then(() => (over = true));
    await vi.advanceTimersByTimeAsync(200);
    expect(over).toBe(false);
    finish();
    await vi.advanceTimersByTimeAsync(200);
    expect(over).toBe(true);
    expect(of('accepted', 'delete').length).toBe(of('accepted', 'create').length);
    const asked = facts.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(facts).toHaveLength(asked);
  });

  it('asks for the ends that no event told', async () => {
    load.start('t');
    await vi.advanceTimersByTimeAsync(1_000);
    const stopped = load.stop(60_000);
    await vi.advanceTimersByTimeAsync(5_000);
    await stopped;
    const ends = of('seen').map((fact) => 'command' in fact && fact.command);
    for (const fact of of('accepted')) expect(ends).toContain('command' in fact && fact.command);
  });
});
