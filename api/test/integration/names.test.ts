import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { status } from '../support/scripted-agent.ts';
import { TestHub } from '../support/hub.ts';
import { Rest } from '../support/rest.ts';

describe('V9 another name for a session', () => {
  let hub: Rest;
  let id: string;
  beforeEach(async () => {
    hub = await Rest.start();
    await hub.agent('a1');
    const key = { 'idempotency-key': 'k1' };
    id = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop', name: 'First' }, key)).body.session.id;
  });
  afterEach(() => hub.stop());
  const rename = (who: string, name: string) => hub.as(who, 'PATCH', `sessions/${id}`, { name });

  it('is given by its user or an admin, is in lists and events, and leaves the state’s time alone', async () => {
    const before = (await hub.as('alice', 'GET', `sessions/${id}`)).body;
    await hub.clock.advance(5_000);
    const { status: code, body } = await rename('alice', 'Büro 日本');
    expect(code).toBe(200);
    expect(body).toEqual({ ...before, name: 'Büro 日本' });
    expect((await hub.as('alice', 'GET', 'sessions')).body.items).toEqual([body]);
    const event = (await hub.store.events.since(0)).at(-1)!;
    expect(event).toMatchObject({ type: 'session.updated', session: id, user: 'alice', data: { name: 'Büro 日本' } });
    expect((await rename('admin', 'Theirs')).body).toMatchObject({ name: 'Theirs', user: 'alice' });
    expect(await rename('bob', 'Mine')).toMatchObject({ status: 404, code: 'not_found' });
    await hub.store.sessions.update(id, { state: 'gone' });
    expect(await rename('alice', 'Late')).toMatchObject({ status: 404, code: 'not_found' });
    expect((await hub.store.sessions.get(id))?.name).toBe('Theirs');
  });

  it.each([
    ['blanks', '   ', 'must be a text with something to see'],
    ['a control character', 'a\u0007b', 'must be a text with something to see'],
    ['another direction of writing', 'invoice\u202Efdp.exe', 'must be a text with something to see'],
    ['nothing', '', 'must NOT have fewer than 1 characters'],
    ['too much', 'x'.repeat(201), 'must NOT have more than 200 characters'],
  ])('is refused as at its beginning: %s', async (_what, name, words) => {
    expect(await rename('alice', name)).toMatchObject({
      status: 400,
      message: expect.stringContaining(`name: ${words}`),
    });
  });

  it('makes no other session of it: a repeat of its beginning gets it', async () => {
    await rename('alice', 'Second');
    const key = { 'idempotency-key': 'k1' };
    const again = await hub.as('alice', 'POST', 'sessions', { template: 'desktop', name: 'First' }, key);
    expect(again.body.session).toMatchObject({ id, name: 'Second' });
    const other = await hub.as('alice', 'POST', 'sessions', { template: 'desktop', name: 'Second' }, key);
    expect(other).toMatchObject({ status: 409, code: 'conflict' });
  });
});

describe('V9 [SES9] what an agent says of a session', () => {
  let hub: TestHub;
  beforeEach(async () => (hub = await TestHub.start()));
  afterEach(() => hub.stop());

  it('changes no name, and such a session gets its proof', async () => {
    const { agent, session } = await hub.running();
    await hub.store.sessions.update('s1', { name: 'Renamed' });
    await hub.clock.advance(1_000);
    const { spec, ...rest } = status('s1', 'hibernated');
    const told = { ...rest, spec: { ...spec, created_at: session.created_at } };
    await hub.list('a1');
    agent.done(await agent.command(), { sessions: [told] });
    await hub.reaches('s1', 'hibernated');
    expect(await hub.session('s1')).toMatchObject({ name: 'Renamed' });
    expect((await agent.hear('session_proof')).proof).toBe(hub.proven(told).spec.proof);
  });
});
