import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { status } from '../support/scripted-agent.ts';
import { Rest } from '../support/rest.ts';

describe('V2 [SES10] a session that its agent is about to hibernate', () => {
  let hub: TestHub;
  beforeEach(async () => (hub = await TestHub.start()));
  afterEach(() => hub.stop());
  const sleepsAt = async () => (await hub.session('s1')).sleeps_at;
  const announced = () => eventually('announced', sleepsAt);
  const putOff = () => eventually('put off', async () => ((await sleepsAt()) ?? null) === null);

  it('says when, by the hub’s clock, and not any more when the agent says so; the state’s time stays', async () => {
    const { agent, session } = await hub.running();
    const at = hub.clock.now();
    agent.say({ type: 'session_idle', session_id: 's1', sleeps_in_ms: 60_000 });
    expect(await announced()).toBe(new Date(at + 60_000).toISOString());
    expect((await hub.session('s1')).updated_at).toBe(session.updated_at);
    agent.say({ type: 'session_idle', session_id: 's1' });
    await putOff();
    const told = (await hub.events()).filter(({ type }) => type === 'session.updated').slice(-2);
    expect(told.map(({ data }) => data['sleeps_at'])).toEqual([new Date(at + 60_000).toISOString(), null]);
  });

  it('holds no longer on another link, unless the agent says it again, nor in another state', async () => {
    const { agent } = await hub.running();
    agent.say({ type: 'session_idle', session_id: 's1', sleeps_in_ms: 60_000 });
    await announced();
    const next = await hub.welcome({ term: 2 });
    next.say({ type: 'sessions', sessions: [hub.proven(status('s1'))] });
    await putOff();
    next.say({ type: 'session_idle', session_id: 's1', sleeps_in_ms: 30_000 });
    await announced();
    // a list of later says nothing of it
    await hub.list('a1');
    next.done(await next.command(), { sessions: [hub.proven(status('s1'))] });
    await next.sync();
    await announced();
    next.say({ type: 'session_state', session: hub.proven(status('s1', 'hibernated')) });
    await putOff();
    next.say({ type: 'session_idle', session_id: 's1', sleeps_in_ms: 30_000 });
    next.say({ type: 'session_state', session: hub.proven(status('s1', 'hibernated', 'heard')) });
    await eventually('all is heard', async () => (await hub.session('s1')).reason === 'heard');
    expect((await sleepsAt()) ?? null).toBeNull();
  });

  it('is not another agent’s to announce', async () => {
    await hub.running();
    const other = await hub.welcome({ agent_id: 'a2' });
    other.say({ type: 'session_idle', session_id: 's1', sleeps_in_ms: 60_000 });
    other.say({ type: 'session_idle', session_id: 'unknown', sleeps_in_ms: 60_000 });
    await hub.create({ id: 's2', agent: 'a2' });
    await other.serve();
    await hub.reaches('s2', 'running');
    expect((await sleepsAt()) ?? null).toBeNull();
  });

  it('is kept awake through whichever replica of the hub is asked; an agent of version 2 is told nothing', async () => {
    const { agent } = await hub.running();
    const other = await TestHub.start(undefined, hub);
    await other.gateway.stayAwake('a1', 's1');
    expect(await agent.hear('session_used')).toEqual({ type: 'session_used', session_id: 's1' });
    await hub.gateway.stayAwake('a1', 's1');
    await agent.hear('session_used');
    const older = await hub.welcome({ versions: [2], term: 2 });
    for (const at of [hub, other])
      await expect(at.gateway.stayAwake('a1', 's1')).rejects.toMatchObject({ code: 'conflict' });
    await older.sync();
    expect(older.heard.all.map(({ type }) => type)).not.toContain('session_used');
    older.ws.terminate();
    await eventually('gone', async () => !(await hub.store.agents.get('a1'))?.connected);
    await expect(hub.gateway.stayAwake('a1', 's1')).rejects.toMatchObject({ code: 'agent_offline' });
    await other.stop();
  });
});

describe('V2 POST /sessions/:id/stay-awake', () => {
  let hub: Rest;
  beforeEach(async () => {
    hub = await Rest.start();
    await hub.agent('a1');
  });
  afterEach(() => hub.stop());

  it('is for whoever may open the screen, while there is one', async () => {
    const { id } = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body.session;
    const stay = (who: string) => hub.as(who, 'POST', `sessions/${id}/stay-awake`, {});
    expect(await stay('alice')).toMatchObject({ status: 409, code: 'session_not_running' });
    await hub.store.sessions.update(id, { state: 'running', sleeps_at: '2030-01-01T00:00:00.000Z' });
    expect(await stay('bob')).toMatchObject({ status: 404, code: 'not_found' });
    expect(hub.links.awake).toEqual([]);
    expect(await stay('alice')).toMatchObject({ status: 200, body: { id, sleeps_at: null } });
    expect((await stay('admin')).status).toBe(200);
    expect(hub.links.awake).toEqual([id, id]);
  });
});
