import { describe, expect, test } from 'vitest';
import { eventually } from '../support/inbox.ts';
import { Rest } from '../support/rest.ts';
import { holder, other, threeHubs } from '../support/three-hubs.ts';

describe('S6 screens end with the token that they came from', () => {
  threeHubs();

  test.each(['at the replica that holds the agent', 'at another replica'])('%s', async (where) => {
    const { agent } = await holder.running();
    const hub = where === 'at another replica' ? other : holder;
    const viewer = await hub.viewer('s1', { ticket: await hub.ticket('s1', 'ann', hub.clock.now() + 5_000) });
    const { stream_id } = await agent.hear('vnc_connect');
    agent.say({ type: 'vnc_connected', stream_id, credit: 1_000 });
    const lasting = await hub.viewer('s1', { ticket: await hub.ticket('s1', 'ann', hub.clock.now() + 1e15) });
    await agent.hear('vnc_connect');
    await hub.clock.advance(5_000);
    expect(await viewer.closed).toMatchObject({
      code: 4410,
      reason: expect.stringContaining('has expired') as unknown,
    });
    expect((await agent.hear('vnc_disconnect')).stream_id).toBe(stream_id);
    await eventually('one is left', () => hub.gateway.counts.viewers === 1 && holder.gateway.counts.streams === 1);
    expect(lasting.ws.readyState).toBe(1);
  });

  test('a ticket of a token that has expired meanwhile does not open', async () => {
    await holder.running();
    const ticket = await holder.ticket('s1', 'ann', holder.clock.now() + 5_000);
    await holder.clock.advance(5_000);
    await expect(holder.viewer('s1', { ticket })).rejects.toMatchObject({
      status: 401,
      body: { error: { code: 'ticket_invalid', message: expect.stringContaining('has expired') as unknown } },
    });
  });
});

test('S6 a ticket is no longer valid than the token that asks for it, and none is made after its end', async () => {
  const rest = await Rest.start();
  await rest.agent('a1');
  const { body } = await rest.as('alice', 'POST', 'sessions', { template: 'desktop' });
  await rest.store.sessions.update(body.session.id, { state: 'running' });
  const exp = Math.floor(rest.clock.now() / 1_000) + 10;
  const authorization = `Bearer ${await rest.sign({ exp })}`;
  const ask = () => rest.as(undefined, 'POST', `sessions/${body.session.id}/ticket`, {}, { authorization });
  const made = await ask();
  expect(made.status).toBe(201);
  expect(Date.parse(made.body.expires_at)).toBe(exp * 1_000);
  // a clock that is a little off still signs in, and gets no screen
  await rest.clock.advance(11_000);
  expect(await ask()).toMatchObject({ status: 401, code: 'unauthenticated' });
  await rest.stop();
});
