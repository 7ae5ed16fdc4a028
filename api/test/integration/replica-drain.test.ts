import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import { status } from '../support/scripted-agent.ts';
import { farScreen, holder, metric, other, third, threeHubs } from '../support/three-hubs.ts';

threeHubs();

describe('[I7] drain', () => {
  test('[CON8] agents connect elsewhere before they leave; viewers are sent after them', async () => {
    const { agent } = await holder.running();
    const near = await holder.screen(agent);
    const { viewer: far } = await farScreen(agent);
    const drained = holder.gateway.drain(new AbortController().signal);
    expect((await fetch(`http://127.0.0.1:${holder.port}/ready`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${other.port}/ready`)).status).toBe(200);
    await agent.hear('go_away');
    // make before break: nothing has ended yet
    expect(holder.gateway.counts.streams).toBe(2);
    const moved = await other.welcome({ term: 1 });
    await agent.closed;
    expect((await near.viewer.closed).code).toBe(1012);
    expect([1012, 4450]).toContain((await far.closed).code);
    await drained;
    moved.say({ type: 'sessions', sessions: [status('s1')] });
    expect((await other.viewer('s1')).ws.readyState).toBe(WebSocket.OPEN);
    await expect(holder.viewer('s1')).rejects.toMatchObject({ status: 503 });
  });

  test('[TERM4] [CON8] an agent without HA moves, too: it is no duplicate of itself', async () => {
    const agent = await holder.welcome({ term: 0 });
    const drained = holder.gateway.drain(new AbortController().signal);
    await agent.hear('go_away');
    const stranger = await other.agent('a1');
    expect(await stranger.hello({ term: 0, replica: 'r2' })).toMatchObject({ error: { code: 'duplicate_agent' } });
    expect((await other.welcome({ term: 0 })).ws.readyState).toBe(WebSocket.OPEN);
    await drained;
  });

  test('a viewer that needs another replica only is sent away as soon as a load balancer can have seen that this one stops', async () => {
    const { agent } = await holder.running();
    const { viewer } = await farScreen(agent);
    const drained = other.gateway.drain(new AbortController().signal);
    await other.clock.advance(700);
    expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
    await other.clock.advance(50);
    expect((await viewer.closed).code).toBe(1012);
    await drained;
  });

  test('a hub with nobody to go to is not held up by agents that come back to it', async () => {
    const agent = await third.welcome({ agent_id: 'alone' });
    const drained = third.gateway.drain(new AbortController().signal);
    await agent.hear('go_away');
    await expect(third.agent('alone')).rejects.toMatchObject({ status: 503, body: { error: { code: 'going_away' } } });
    await third.clock.advance(4_000);
    expect((await agent.closed).code).toBe(1012);
    await drained;
  });

  test('ends at its deadline with what is left', async () => {
    await other.welcome({ agent_id: 'elsewhere' });
    const agent = await holder.welcome();
    const deadline = new AbortController();
    const drained = holder.gateway.drain(deadline.signal);
    await agent.hear('go_away');
    await holder.clock.advance(5_000);
    expect(holder.gateway.counts.links).toBe(1);
    deadline.abort();
    await drained;
    expect((await agent.closed).code).toBe(1012);
  });
});

describe('admission', () => {
  test('a storm of agents becomes a queue: those who are sent away are told when to come, one after the other', async () => {
    const storm = await Promise.allSettled(
      Array.from({ length: 600 }, (_, n) => holder.agent(`a${n}`).then((agent) => agent.ws.terminate())),
    );
    const refused = storm.filter((each) => each.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { status: 429, body: { error: { code: 'rate_limited' } } } });
    expect(await metric(holder, 'streamspace_hub_admissions_total{outcome="later"}')).toBeGreaterThan(0);
  });
});

describe('an emptied store', () => {
  test('[SES3] agents register again on their live links, with their terms; sessions are learnt again', async () => {
    const { agent } = await holder.running();
    // what FLUSHALL does, as far as these records go
    Object.assign(holder.store, memoryStore(holder.clock));
    agent.say({
      type: 'heartbeat',
      seq: 7,
      status: 'online',
      capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
      active_sessions: 1,
      replicas: [],
    });
    const list = await agent.command();
    expect(list.action).toBe('list_sessions');
    agent.done(list, { sessions: [holder.proven(status('s1'))] });
    await holder.reaches('s1', 'running');
    expect(await holder.store.agents.get('a1')).toMatchObject({ term: 1, connected: true, hub: holder.address });
    expect(holder.gateway.counts.links).toBe(1);
    // and it may come again
    expect(await holder.store.credentials.get('a1')).toBeDefined();
    const stale = await other.agent('a1');
    expect(await stale.hello({ term: 0, replica: 'r2' })).toMatchObject({ type: 'refuse' });
  });
});
