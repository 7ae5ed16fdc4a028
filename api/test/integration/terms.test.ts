import { ERRORS, MAX_TERM } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

test('[TERM2] a greater term is accepted, an equal one from the same replica only', async () => {
  const first = await hub.welcome({ term: 3, replica: 'r1' });
  const again = await hub.welcome({ term: 3, replica: 'r1' });
  expect((await first.closed).code).toBe(ERRORS.superseded.close);
  const other = await hub.agent();
  expect(await other.hello({ term: 3, replica: 'r2' })).toMatchObject({
    type: 'refuse',
    error: { code: 'stale_term' },
  });
  await again.sync();
  await hub.welcome({ term: 4, replica: 'r2' });
  expect((await again.closed).code).toBe(ERRORS.superseded.close);
});

test('[TERM3] a stale term is refused with the term of the hub and the remedy, and the holder stays', async () => {
  const holder = await hub.welcome({ term: 5, replica: 'r1' });
  const stale = await hub.agent();
  const answer = await stale.hello({ term: 2, replica: 'r2' });
  expect(answer).toMatchObject({ type: 'refuse', term: 5, retry_after_ms: expect.any(Number) });
  expect(answer.type === 'refuse' && answer.remedy).toContain('above 5');
  expect((await stale.closed).code).toBe(ERRORS.stale_term.close);
  await holder.sync();
  await eventually('an event says so', async () =>
    (await hub.events()).some(
      ({ type, data }) => type === 'agent.refused' && data.code === 'stale_term' && data.replica === 'r2',
    ),
  );
});

test('K5 a term beyond the last one is malformed, the last one is a term', async () => {
  const beyond = await hub.agent();
  beyond.hello({ term: MAX_TERM + 1 }).catch(() => undefined);
  expect((await beyond.closed).code).toBe(ERRORS.malformed_frame.close);
  await hub.welcome({ term: MAX_TERM, replica: 'r1' });
});

test('[TERM2] the last accepted term outlives the connection', async () => {
  const holder = await hub.welcome({ term: 5, replica: 'r1' });
  holder.say({ type: 'goodbye', reason: '' });
  await eventually('released', async () => (await hub.store.agents.get('a1'))?.connected === false);
  expect(await (await hub.agent()).hello({ term: 4, replica: 'r2' })).toMatchObject({ type: 'refuse', term: 5 });
  expect(await (await hub.agent()).hello({ term: 6, replica: 'r2' })).toMatchObject({ type: 'welcome', term: 6 });
});

test('failure 14: a connection that hangs half open does not keep a new leader out', async () => {
  const hanging = await hub.welcome({ term: 1, replica: 'r1' }, { autoPong: false });
  hanging.ws.pause();
  expect(await (await hub.agent()).hello({ term: 2, replica: 'r2' })).toMatchObject({ type: 'welcome' });
  await hub.clock.advance(2_000);
  expect(hub.gateway.counts.links).toBe(1);
});

test('[TERM4] three replicas with HA off: one keeps the connection, the others are refused with the remedy, nothing thrashes', async () => {
  const holder = await hub.agent();
  expect(await holder.hello({ term: 0, replica: 'r1' })).toMatchObject({ type: 'welcome', term: 1 });
  for (const replica of ['r2', 'r3', 'r2']) {
    const other = await hub.agent();
    const answer = await other.hello({ term: 0, replica });
    expect(answer).toMatchObject({ type: 'refuse', error: { code: 'duplicate_agent' }, retry_after_ms: 60_000 });
    expect(answer.type === 'refuse' && answer.remedy).toContain('ENABLE_HA=true');
    expect((await other.closed).code).toBe(ERRORS.duplicate_agent.close);
  }
  await holder.sync();
  expect(hub.logged.filter(({ msg }) => msg === 'Registered agent')).toHaveLength(1);
});

test('[TERM4] a holder that does not answer a ping within 2 s is replaced', async () => {
  const mute = await hub.welcome({ term: 0, replica: 'r1' }, { autoPong: false });
  const other = await hub.agent();
  const answer = other.hello({ term: 0, replica: 'r2' });
  await mute.pings.next();
  await hub.clock.advance(2_000);
  expect(await answer).toMatchObject({ type: 'welcome', term: 2 });
  expect((await mute.closed).code).toBe(ERRORS.superseded.close);
});

test('[TERM4] a holder that is gone without a word is replaced at once', async () => {
  const gone = await hub.welcome({ term: 0, replica: 'r1' });
  gone.ws.terminate();
  expect(await (await hub.agent()).hello({ term: 0, replica: 'r2' })).toMatchObject({ type: 'welcome', term: 2 });
});

test('[TERM2] of many that claim at once the greatest term is left, and every other one is told', async () => {
  const terms = [4, 9, 2, 7, 9, 1, 8];
  const agents = await Promise.all(terms.map(() => hub.agent()));
  const answers = await Promise.all(agents.map((agent, at) => agent.hello({ term: terms[at]!, replica: `r${at}` })));
  const record = await hub.store.agents.get('a1');
  expect(record).toMatchObject({ connected: true, term: 9 });
  expect(
    answers.filter((answer) => answer.type === 'welcome' && answer.connection_id === record!.connection_id),
  ).toHaveLength(1);
  await eventually(
    'the others are closed',
    () => agents.filter((agent) => agent.ws.readyState === agent.ws.CLOSED).length === terms.length - 1,
  );
  expect(hub.gateway.counts).toMatchObject({ links: 1, handshakes: 0 });
});

test('[TERM2] claims whose answers overtake each other leave the greater term', async () => {
  const holding: (() => void)[] = [];
  const slowHub = await TestHub.start((store) => {
    const claim = store.agents.claim.bind(store.agents);
    store.agents.claim = async (wanted) => {
      const result = await claim(wanted);
      if (wanted.term === 1) await new Promise<void>((resolve) => holding.push(resolve));
      return result;
    };
    return store;
  });
  try {
    const [one, two] = [await slowHub.agent(), await slowHub.agent()];
    const first = one.hello({ term: 1, replica: 'r1' });
    await eventually('the first is claimed', () => holding.length === 1);
    const second = two.hello({ term: 2, replica: 'r2' });
    // the second would be welcome by now if it did not wait for its turn
    for (let n = 0; n < 20; n++) await slowHub.clock.advance(1);
    holding[0]!();
    expect(await first).toMatchObject({ type: 'welcome', term: 1 });
    expect(await second).toMatchObject({ type: 'welcome', term: 2 });
    expect((await one.closed).code).toBe(ERRORS.superseded.close);
    await two.sync();
  } finally {
    await slowHub.stop();
  }
});

test('refusals are recorded at a bounded rate', async () => {
  await hub.welcome({ term: 5, replica: 'r1' });
  for (let n = 0; n < 20; n++) await (await hub.agent()).hello({ term: 1, replica: 'r2' });
  expect((await hub.events()).filter(({ type }) => type === 'agent.refused')).toHaveLength(5);
});

test('a claim that the store answers too late is refused, and undone', async () => {
  let answer: (() => void) | undefined;
  const slow = (store: Store): Store => {
    const claim = store.agents.claim.bind(store.agents);
    store.agents.claim = async (wanted) => {
      await new Promise<void>((resolve) => (answer = resolve));
      return claim(wanted);
    };
    return store;
  };
  const slowHub = await TestHub.start(slow);
  try {
    const agent = await slowHub.agent();
    const hello = agent.hello();
    await eventually('asked', () => answer !== undefined);
    await slowHub.clock.advance(10_000);
    expect(await hello).toMatchObject({ type: 'refuse', error: { code: 'store_unavailable' } });
    answer!();
    await eventually('nobody holds the agent', async () => (await slowHub.store.agents.get('a1'))?.connected === false);
  } finally {
    await slowHub.stop();
  }
});
