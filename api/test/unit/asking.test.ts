import { describe, expect, test } from 'vitest';
import { dispatcherScene as scene } from '../support/dispatcher-scene.ts';
import { claim } from '../support/records.ts';

describe('[CMD8] an agent that does not answer is asked', () => {
  test('unknown outcomes are resolved within 30 s by asking the agent, on the connection that it has', async () => {
    const { clock, store, dispatcher, link, give, sent } = await scene();
    await give('c1');
    expect(sent()).toEqual(['c1 1']);
    await clock.advance(30_000);
    expect(sent()).toEqual(['c1 1', 'c1 2']);
    // what it says to the question counts; what it may have said to the first is late
    await dispatcher.result(link, { type: 'result', command_id: 'c1', attempt: 1 });
    expect(await store.commands.get('c1')).toMatchObject({ state: 'sent', attempt: 2 });
    await dispatcher.result(link, { type: 'result', command_id: 'c1', attempt: 2 });
    expect(await store.commands.get('c1')).toMatchObject({ state: 'completed' });
    await clock.advance(600_000);
    expect(sent()).toEqual(['c1 1', 'c1 2']);
  });

  test('not about what it has begun with', async () => {
    const { clock, dispatcher, link, give, sent } = await scene();
    await give('c1');
    await dispatcher.ack(link, { type: 'ack', command_id: 'c1', attempt: 1 });
    await clock.advance(600_000);
    expect(sent()).toEqual(['c1 1']);
  });

  test('less and less often, while it has other things to do', async () => {
    const { clock, give, sent } = await scene();
    await give('c1');
    await clock.advance(10 * 60_000);
    // after 15 s, 30 s, 60 s, and every two minutes (the looks are 5 s apart)
    expect(sent()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].slice(0, sent().length).map((attempt) => `c1 ${attempt}`));
    expect(sent().length).toBeGreaterThanOrEqual(7);
    expect(sent().length).toBeLessThanOrEqual(8);
  });

  test('not on a connection that does not hold the agent any more', async () => {
    const { clock, store, give, sent } = await scene();
    await give('c1');
    await store.agents.claim(claim({ term: 2, replica: 'r2' }));
    await clock.advance(60_000);
    expect(sent()).toEqual(['c1 1']);
    expect(await store.commands.get('c1')).toMatchObject({ state: 'sent', attempt: 1 });
  });
});
