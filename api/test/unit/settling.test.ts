import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, test } from 'vitest';
import { dispatcherScene } from '../support/dispatcher-scene.ts';
import { ReplicatedStore } from '../support/replicated-store.ts';

/** An agent that has carried out the first of two commands of a session just after the store's replica was cut off, and another one's. */
async function scene() {
  const clock = new VirtualClock();
  const replicated = new ReplicatedStore(clock);
  const its = await dispatcherScene(clock, replicated.store);
  await its.give('create', 's1');
  await its.give('delete', 's1');
  await its.give('other', 's2');
  expect(its.sent()).toEqual(['create 1', 'other 1']);
  replicated.part();
  await its.ended('create');
  return { ...its, replicated };
}

describe('[CMD5] the next command of a session waits until the end of the former outlives a failover of the store', () => {
  test('for as long as the replica is missing; those of other sessions do not', async () => {
    const { clock, store, replicated, dispatcher, sent, ended } = await scene();
    await ended('other');
    expect(await store.commands.get('create')).toMatchObject({ state: 'completed' });
    await clock.advance(60_000);
    expect(sent()).toEqual(['create 1', 'other 1']);
    expect([dispatcher.inFlight, dispatcher.unsettled]).toEqual([0, 2]);
    replicated.join();
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1', 'other 1', 'delete 1']);
    expect(dispatcher.unsettled).toBe(0);
  });

  test('nor longer: a replica that is missing for an hour holds no session, and no place, when it has joined again', async () => {
    const { clock, replicated, dispatcher, sent, ended } = await scene();
    await ended('other');
    await clock.advance(3_600_000);
    expect(dispatcher.unsettled).toBe(2);
    expect(sent()).toEqual(['create 1', 'other 1']);
    replicated.join();
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1', 'other 1', 'delete 1']);
    expect(dispatcher.unsettled).toBe(0);
  });

  test('whatever the store answers in between', async () => {
    const { clock, store, dispatcher, sent, ended, give } = await dispatcherScene();
    const get = store.commands.get.bind(store.commands);
    const finish = store.commands.finish.bind(store.commands);
    store.commands.finish = async (...args) => {
      const finished = await finish(...args);
      return finished && { ...finished, settled: false };
    };
    store.commands.get = async (id, mode) =>
      mode === 'lasting' ? Promise.reject(new Error('garbled')) : get(id, mode);
    await give('create', 's1');
    await give('delete', 's1');
    await ended('create');
    await clock.advance(60_000);
    expect(dispatcher.unsettled).toBe(1);
    expect(sent()).toEqual(['create 1']);
    store.commands.get = get;
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1', 'delete 1']);
    expect(dispatcher.unsettled).toBe(0);
  });

  test('and is not the first to go out again when that end was lost', async () => {
    const { clock, store, replicated, sent, ended } = await scene();
    await clock.advance(1_000);
    replicated.promote();
    await clock.advance(10_000);
    expect(await store.commands.get('create')).toMatchObject({ state: 'sent' });
    expect(sent()).toEqual(['create 1', 'other 1', 'create 2']);
    await ended('create');
    await clock.advance(1_000);
    expect(sent()).toEqual(['create 1', 'other 1', 'create 2', 'delete 1']);
  });

  test('nor does the next one slip through while the queue is being read', async () => {
    const { clock, store, replicated, dispatcher, sent } = await scene();
    const next = store.commands.next.bind(store.commands);
    const waiting: (() => void)[] = [];
    store.commands.next = async (...args) => {
      const page = await next(...args);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return page;
    };
    dispatcher.wake('a1');
    await clock.advance(1_000);
    replicated.promote();
    await clock.advance(10_000);
    store.commands.next = next;
    for (const answer of waiting) answer();
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1', 'other 1', 'create 2', 'other 2']);
  });

  test('nor by a look at the queue that lasted before the former ended', async () => {
    const clock = new VirtualClock();
    const replicated = new ReplicatedStore(clock);
    const { store, dispatcher, give, sent, ended } = await dispatcherScene(clock, replicated.store);
    await give('create', 's1');
    await give('delete', 's1');
    const next = store.commands.next.bind(store.commands);
    const waiting: (() => void)[] = [];
    store.commands.next = async (...args) => {
      const page = await next(...args);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return page;
    };
    dispatcher.wake('a1');
    await clock.advance(1_000);
    expect(waiting).toHaveLength(1);
    replicated.part();
    await ended('create');
    store.commands.next = next;
    waiting[0]!();
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1']);
    // the end is lost, and the create carried out once more: before the delete
    replicated.promote();
    await clock.advance(10_000);
    expect(sent()).toEqual(['create 1', 'create 2']);
  });

  test('not where it was stored by a try whose answer was lost', async () => {
    const { clock, store, sent, ended, give } = await dispatcherScene();
    const finish = store.commands.finish.bind(store.commands);
    store.commands.finish = async (...args) => {
      await finish(...args);
      return finish(...args);
    };
    await give('create', 's1');
    await give('delete', 's1');
    await ended('create');
    await clock.advance(10);
    expect(sent()).toEqual(['create 1', 'delete 1']);
  });
});

test('[CMD2] what the replica does not have is not sent: nobody was told that it was accepted', async () => {
  const clock = new VirtualClock();
  const replicated = new ReplicatedStore(clock);
  const { store, dispatcher, sent, command } = await dispatcherScene(clock, replicated.store);
  replicated.part();
  const refused = store.commands.append(command('c1', 's1')).catch((error: unknown) => error);
  dispatcher.wake('a1');
  await clock.advance(30_000);
  expect(await refused).toMatchObject({ code: 'store_unavailable' });
  expect(sent()).toEqual([]);
  replicated.join();
  await clock.advance(10_000);
  expect(sent()).toEqual(['c1 1']);
});

test('[CMD7] what has expired is not sent any more, whoever calls it so', async () => {
  const { clock, store, give, sent } = await dispatcherScene();
  const finish = store.commands.finish.bind(store.commands);
  // another replica of the hub has called it so, and a failover lost that
  store.commands.finish = (id, ...rest) => (id === 'c2' ? Promise.resolve(undefined) : finish(id, ...rest));
  await give('c1', 's1');
  await give('c2', 's1');
  await clock.advance(2.1 * 3_600_000);
  expect(await store.commands.get('c1')).toMatchObject({ state: 'failed' });
  expect(sent().filter((each) => each.startsWith('c2'))).toEqual([]);
});

test('a bounded number of ends may be unsettled: then the queue waits for them, and goes on when they last', async () => {
  const { clock, store, dispatcher, sent, ended, command } = await dispatcherScene();
  const get = store.commands.get.bind(store.commands);
  const finish = store.commands.finish.bind(store.commands);
  store.commands.finish = async (...args) => {
    const finished = await finish(...args);
    return finished && { ...finished, settled: false };
  };
  const lasting: (() => void)[] = [];
  // replicas of the store that don't say of an end that they have it
  store.commands.get = async (id, mode) => {
    if (mode === 'lasting') await new Promise<void>((resolve) => lasting.push(resolve));
    return get(id, mode);
  };
  const bound = 1_024;
  const ids = Array.from({ length: bound + 100 }, (_, n) => `c${n}`);
  for (const id of ids) await store.commands.append(command(id, `s-${id}`));
  dispatcher.wake('a1');
  await clock.advance(10);
  for (const id of ids.slice(0, bound)) await ended(id);
  expect(dispatcher.unsettled).toBe(bound);
  const before = sent().length;
  dispatcher.wake('a1');
  await clock.advance(5_000);
  expect(new Set(sent()).size).toBeLessThanOrEqual(bound + 64);
  expect(sent().length).toBe(before);
  store.commands.get = get;
  for (const answer of lasting) answer();
  await clock.advance(5_000);
  expect(dispatcher.unsettled).toBe(0);
  expect(dispatcher.inFlight).toBe(64);
  expect(new Set(sent().map((each) => each.split(' ')[0])).size).toBeGreaterThan(before);
});
