import { describe, expect, it } from 'vitest';
import { checkHistory, type CommandEntry, type CommandHistory, type Effect } from '@streamspace/testkit';

const effect = (op: Effect['op'], session = 's1', command = `c-${op}`): Effect => ({
  op,
  agent: 'a',
  session,
  command,
  term: 1,
});
const accepted = (op: Effect['op'], command = `c-${op}`, key = op): CommandEntry => ({
  kind: 'accepted',
  key,
  op,
  command,
  session: 's1',
});
const seen = (command: string, state: 'sent' | 'completed' | 'failed' | 'unknown'): CommandEntry => ({
  kind: 'seen',
  command,
  state,
});

/** A session that was created and deleted, as it should be. */
const good: CommandHistory = {
  entries: [
    accepted('create'),
    seen('c-create', 'sent'),
    { kind: 'fault', what: 'kill -9 hub-1' },
    accepted('create'),
    seen('c-create', 'completed'),
    accepted('delete'),
    seen('c-delete', 'completed'),
  ],
  effects: [effect('create'), effect('delete')],
  live: [],
  sessions: [{ id: 's1', state: 'gone' }],
};

describe('the checker of chaos histories', () => {
  it('finds nothing wrong with a good one', () => {
    expect(checkHistory(good)).toEqual([]);
    const half = { ...good, entries: good.entries.slice(0, 5), effects: [effect('create')], live: ['s1'] };
    expect(checkHistory({ ...half, sessions: [{ id: 's1', state: 'running' }] })).toEqual([]);
  });

  it.each<[string, Partial<CommandHistory>, string]>([
    [
      'a command that never ends',
      { entries: good.entries.slice(0, 6) },
      'c-delete: accepted, and at the end never seen',
    ],
    [
      'a command that the hub forgot',
      { entries: [...good.entries, seen('c-create', 'unknown')] },
      "the hub didn't know it",
    ],
    ['an end that changes', { entries: [...good.entries, seen('c-create', 'failed')] }, 'completed became failed'],
    ['an end that is taken back', { entries: [...good.entries, seen('c-create', 'sent')] }, 'completed became sent'],
    [
      'one wish, two commands',
      { entries: [...good.entries, accepted('create', 'c-2'), seen('c-2', 'completed')] },
      'accepted twice',
    ],
    [
      'a doubled creation',
      { effects: [effect('create'), effect('create'), effect('delete')] },
      'create happened 2 times',
    ],
    ['a doubled deletion', { effects: [...good.effects, effect('delete')] }, 'delete happened 2 times'],
    [
      'a session that comes back',
      { effects: [effect('create'), effect('delete'), effect('create')] },
      'create happened 2 times',
    ],
    ['a deletion first', { effects: [effect('delete'), effect('create')] }, 'deleted before it was created'],
    ['a lost effect', { effects: [] }, 'never came to be'],
    ['a deleted session that stays', { live: ['s1'] }, 'is still there'],
    ['a session that the hub lost', { live: ['s1'], sessions: [] }, 'the hub says nothing'],
    ['a session that only the hub has', { sessions: [{ id: 's1', state: 'running' }] }, "it isn't there"],
  ])('finds %s', (_what, broken, message) => {
    expect(checkHistory({ ...good, ...broken }).join('\n')).toContain(message);
  });
});
