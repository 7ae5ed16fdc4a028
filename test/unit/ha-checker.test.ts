import { describe, expect, it } from 'vitest';
import { check } from '../../ci/ha/checker.ts';
import { figures } from '../../ci/ha/figures.ts';
import type { Entry, Fact, PodEntry, RecordEntry } from '../../ci/ha/history.ts';

const at = (t: number, fact: Fact): Entry => ({ t, ...fact });

const lease = (t: number, holder: string, term: number, version = t) =>
  at(t, { kind: 'lease', change: 'modified', holder, term, transitions: 0, version });
const registered = (t: number, replica: string, term: number, connection = `${replica}-${term}`) =>
  at(t, { kind: 'registered', by: 'log', hub: 'hub-1', replica, term, connection, at: t });
const record = (t: number, about: Partial<RecordEntry> = {}) =>
  at(t, {
    kind: 'record',
    change: 'added',
    session: 's1',
    uid: 'u1',
    term: 1,
    phase: 'creating',
    version: t,
    ...about,
  });
const pod = (t: number, about: Partial<PodEntry> = {}) =>
  at(t, {
    kind: 'pod',
    change: 'added',
    name: 'session-s1',
    uid: 'p1',
    component: 'session',
    node: 'n',
    phase: 'Running',
    ready: true,
    deleting: false,
    restarts: 0,
    version: t,
    session: 's1',
    term: 1,
    ...about,
  });
const accepted = (t: number, op: 'list' | 'create' | 'delete', command: string = op, key: string = op) =>
  at(t, { kind: 'accepted', key, op, command, session: op === 'list' ? null : 's1' });
const seen = (t: number, command: string, state: 'sent' | 'completed' | 'failed' | 'unknown' = 'completed') =>
  at(t, { kind: 'seen', command, state, attempt: 1, at: t });
const frame = (t: number, number = t) => at(t, { kind: 'frame', connection: 1, number, bytes: 4096 });
const healthy = (t: number, standbys = ['b', 'c'], leader = 'a') =>
  at(t, { kind: 'healthy', leader, standbys, term: 2 });

/** A failover from b to a, with a session before and another after it, as it should be. */
const good: readonly Entry[] = [
  lease(1, 'b_1', 1),
  registered(2, 'b', 1),
  accepted(10, 'create'),
  record(11),
  pod(12),
  frame(15),
  seen(20, 'create'),
  accepted(30, 'list', 'l1', 'l1'),
  seen(31, 'l1'),
  at(100, { kind: 'fault', what: 'kill -9 in b' }),
  accepted(150, 'list', 'l2', 'l2'),
  lease(200, 'a_1', 2),
  registered(210, 'a', 2),
  seen(220, 'l2', 'sent'),
  seen(230, 'l2'),
  frame(250),
  accepted(260, 'delete'),
  record(265, { change: 'modified', term: 2, phase: 'deleting' }),
  pod(270, { change: 'deleted' }),
  record(275, { change: 'deleted', term: 2, phase: 'deleting' }),
  seen(280, 'delete'),
  healthy(300),
  at(310, { kind: 'sessions', items: [{ id: 's1', state: 'gone' }] }),
];

/** The good history with more in it, in the order of time; `without`: entries that are left out. */
const but = (more: Entry[], without: (entry: Entry) => boolean = () => false) =>
  [...good.filter((entry) => !without(entry)), ...more].sort((a, b) => a.t - b.t);

describe('the checker of HA histories', () => {
  it('finds nothing wrong with a good one', () => {
    expect(check(good)).toEqual({ lost: [], doubled: [], wrong: [] });
  });

  it('takes a reconnection of the same replica with the same term, and a log and an event of one connection', () => {
    expect(check(but([registered(240, 'a', 2, 'again')])).wrong).toEqual([]);
    const event = at(212, {
      kind: 'registered',
      by: 'event',
      hub: '',
      replica: 'a',
      term: 2,
      connection: 'a-2',
      at: 212,
    });
    expect(check(but([event])).wrong).toEqual([]);
  });

  it.each<[string, Entry[], string]>([
    [
      'a list that never ends',
      but([], (e) => e.kind === 'seen' && e.command === 'l2' && e.state === 'completed'),
      'l2: accepted (list), and at the end sent',
    ],
    [
      'a deletion that never ends',
      but([], (e) => e.kind === 'seen' && e.command === 'delete'),
      'delete: accepted (delete), and at the end never seen',
    ],
    [
      'a command that the hub forgot',
      but([seen(290, 'l2', 'unknown')]),
      "l2: accepted, and then the hub didn't know it",
    ],
    ['an end that changes', but([seen(290, 'l2', 'failed')]), 'l2: completed became failed'],
    ['one wish, two commands', but([accepted(290, 'create', 'c2', 'create'), seen(291, 'c2')]), 'accepted twice'],
    [
      'a session made twice',
      but([
        record(290, { uid: 'u2', term: 2 }),
        pod(291, { uid: 'p2', change: 'modified' }),
        record(295, { uid: 'u2', term: 2, change: 'deleted' }),
        pod(296, { uid: 'p2', change: 'deleted' }),
      ]),
      'create happened 2 times',
    ],
    [
      'a second pod of a session',
      but([pod(240, { uid: 'p2', term: 2 }), pod(271, { uid: 'p2', change: 'deleted' })]),
      'session s1: 2 pods were made for it',
    ],
    ['a lost effect', but([], (e) => e.kind === 'record' || e.kind === 'pod'), 'never came to be'],
    ['a deleted session that stays', but([], (e) => e.kind === 'pod' && e.change === 'deleted'), 'is still there'],
    ['two holders of one term', but([lease(205, 'c_1', 2)]), 'term 2 of the Lease: a_1, and c_1'],
    ['a Lease that forgot its term', but([lease(290, 'c_1', 1)]), 'the Lease went from term 2 back to 1'],
    ['two replicas accepted with one term', but([registered(240, 'b', 2)]), 'the hub accepted term 2 of a, and of b'],
    [
      'a superseded replica that is accepted',
      but([registered(240, 'b', 1, 'late')]),
      'the hub accepted term 1 of b (late) after term 2',
    ],
    [
      'a record written by a superseded leader',
      but([record(268, { change: 'modified', term: 1 })]),
      'term 1 wrote its record after term 2',
    ],
    [
      'a pod made by a superseded leader',
      but([pod(266, { term: 1, uid: 'p1', name: 'late' })]),
      'pod late: made by term 1 after term 2 had its session',
    ],
    [
      'a screen that does not come back',
      but([], (e) => e.kind === 'frame' && e.t > 100),
      'showed nothing any more after the last fault',
    ],
    ['a screen of another program', but([frame(260, 3)]), 'the screen went from 250 back to 3'],
    ['a screen that was never there', but([], (e) => e.kind === 'frame'), 'the screen never showed anything'],
    ['a cluster that stays ill', but([], (e) => e.kind === 'healthy'), 'did not become healthy again'],
    ['a standby that is missing', but([healthy(305, ['b'])]), '2 healthy replicas instead of 3'],
  ])('finds %s', (_what, broken, message) => {
    expect(check(broken).wrong.join('\n')).toContain(message);
  });
});

it('what is lost and what is doubled is told apart', () => {
  const lost = check(but([], (e) => e.kind === 'seen' && e.command === 'l2' && e.state === 'completed'));
  expect([lost.lost.length, lost.doubled.length]).toEqual([1, 0]);
  const doubled = check(but([pod(240, { uid: 'p2', term: 2 }), pod(271, { uid: 'p2', change: 'deleted' })]));
  expect([doubled.lost.length, doubled.doubled.length]).toEqual([0, 1]);
});

describe('the figures of a history', () => {
  it('are counted from the fault, and from the last good command to the first', () => {
    expect(figures(good)).toMatchObject({
      election: 100,
      registered: 110,
      failover: 199,
      silence: 199,
      viewer: 235,
      healed: 200,
      accepted: 4,
      completed: 4,
      failed: 0,
      registrations: 2,
    });
  });

  it('know of a gap that never ended', () => {
    const never = figures(good.filter(({ t }) => t <= 210));
    expect([never.failover, never.silence]).toEqual([179, 110]);
    expect(figures(good.filter(({ t }) => t <= 100)).election).toBeUndefined();
  });

  it('tell the gap at the change of leaders from one that has another cause', () => {
    const slow = but([
      accepted(240, 'list', 'l3', 'l3'),
      seen(241, 'l3'),
      accepted(500, 'list', 'l4', 'l4'),
      seen(900, 'l4'),
    ]);
    expect(figures(slow)).toMatchObject({ failover: 199, silence: 659 });
    const without = figures(slow.filter(({ kind }) => kind !== 'registered'));
    expect([without.failover, without.silence]).toEqual([undefined, 659]);
  });

  it('know how long a start took, from the first words to a leader, and of no start where a replica was there before', () => {
    const words = (t: number) =>
      at(t, { kind: 'said', pod: 'a', component: 'k8s-agent', what: 'Agent started', at: t, fields: {} });
    const ready = (t: number) => pod(t, { name: 'a', uid: 'a', component: 'k8s-agent' });
    const begin = at(10, { kind: 'fault', what: 'scaled to three' });
    const start = [lease(1, 'z_1', 1), begin, words(120), words(130), lease(150, 'a_1', 2), registered(400, 'a', 2)];
    expect(figures([...start, ready(500)]).start).toBe(30);
    expect(figures([...start, ready(5)].toSorted((one, other) => one.t - other.t)).start).toBeUndefined();
    expect(figures(good).start).toBeUndefined();
  });

  it('are those of lists: creations take as long as pods do', () => {
    const slow = [...good, accepted(311, 'create', 'slow', 'slow'), seen(5_000, 'slow')];
    expect(figures(slow).silence).toBe(199);
  });
});
