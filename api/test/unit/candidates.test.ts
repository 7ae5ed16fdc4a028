import type { Event } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import { describe, expect, test } from 'vitest';
import { Candidates } from '../../src/sessions/candidates.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import type { AgentRecord } from '../../src/store/store.ts';
import { claim } from '../support/records.ts';

/** A store that says how often its agents were listed, and may take a while for it. */
async function scene(takesMs = 0) {
  const clock = new VirtualClock();
  const store = memoryStore(clock);
  await store.agents.claim(claim());
  let lists = 0;
  const counted = {
    ...store,
    agents: {
      ...store.agents,
      async list(): Promise<AgentRecord[]> {
        lists += 1;
        const agents = await store.agents.list();
        if (takesMs > 0) await new Promise<void>((resolve) => clock.setTimeout(() => resolve(), takesMs));
        return agents;
      },
    },
  };
  const candidates = new Candidates(counted, clock);
  candidates.follow(new AbortController().signal);
  const event = (type: Event['type'], data: Event['data'] = {}, agent = 'a1') =>
    store.events.append({ at: '', type, agent, session: null, user: null, data });
  return { clock, store, candidates, event, lists: () => lists };
}

describe('the agents as placement sees them', () => {
  test('are read once for many who ask within a moment, and again after it', async () => {
    const { clock, candidates, lists } = await scene();
    await Promise.all(Array.from({ length: 50 }, () => candidates.list(false)));
    await candidates.list(false);
    expect(lists()).toBe(1);
    await clock.advance(100);
    expect((await candidates.list(false)).map(({ id }) => id)).toEqual(['a1']);
    expect(lists()).toBe(2);
  });

  test('are read less often when that takes long, and every few seconds all the same', async () => {
    const { clock, candidates, lists } = await scene(50);
    const first = candidates.list(false);
    await clock.advance(50);
    await first;
    await clock.advance(900);
    await candidates.list(false);
    expect(lists()).toBe(1);
    await clock.advance(5_000);
    void candidates.list(false);
    expect(lists()).toBe(2);
  });

  test('fresh: read after the call, not by a reading that had begun before', async () => {
    const { clock, store, candidates } = await scene(50);
    const before = candidates.list(false);
    await store.agents.setDraining('a1', true);
    const fresh = candidates.list(true);
    await clock.advance(100);
    expect((await before)[0]).toMatchObject({ draining: false });
    expect((await fresh)[0]).toMatchObject({ draining: true });
  });

  test('follow events and what is placed here, without being read again', async () => {
    const { store, candidates, event, lists } = await scene();
    await candidates.list(false);
    candidates.placed('a1', { cpu: 2, memory: 3 });
    expect((await candidates.list(false))[0]).toMatchObject({ active_sessions: 1, used: { cpu: 2, memory: 3 } });
    await event('agent.updated', { ...(await store.agents.get('a1')), draining: true });
    expect((await candidates.list(false))[0]).toMatchObject({ draining: true });
    await event('agent.disconnected');
    expect((await candidates.list(false))[0]).toMatchObject({ connected: false });
    expect(lists()).toBe(1);
    await store.agents.claim(claim({ agentId: 'new' }));
    await event('agent.registered', {}, 'new');
    expect((await candidates.list(false)).map(({ id }) => id)).toEqual(['a1', 'new']);
  });
});
