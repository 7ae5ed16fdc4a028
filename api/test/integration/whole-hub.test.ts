import type { AddressInfo } from 'node:net';
import { dataFrame } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Rest } from '../support/rest.ts';
import { opened, ScriptedAgent, status } from '../support/scripted-agent.ts';

let hub: Rest;
let url: string;
let sockets: WebSocket[] = [];
beforeEach(async () => {
  hub = await Rest.start({}, undefined, 'real');
  await hub.app.listen({ port: 0, host: '127.0.0.1' });
  url = `ws://127.0.0.1:${(hub.app.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  sockets = [];
  await hub.stop();
});

/** An agent that was enrolled over REST and is welcome. */
async function agent(id = 'a1'): Promise<ScriptedAgent & { credential: string }> {
  const { token } = (await hub.as('admin', 'POST', 'agents/enrolments', { agent_id: id })).body;
  const { credential } = (
    await hub.as(undefined, 'POST', 'agents/enrol', { agent_id: id }, { authorization: `Bearer ${token}` })
  ).body;
  const connected = await ScriptedAgent.connect(url, credential);
  sockets.push(connected.ws);
  expect((await connected.hello({ agent_id: id })).type).toBe('welcome');
  connected.say({ type: 'sessions', sessions: [] });
  return Object.assign(connected, { credential });
}

const reaches = (path: string, state: string) =>
  vi.waitFor(async () => expect((await hub.as('alice', 'GET', path)).body.state).toBe(state), 5_000);
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: { status?: number; body?: { error?: { code: string } } }) => error,
  );

describe('REST and links together', () => {
  it('a session from enrolment to its screen, and its end', async () => {
    const there = await agent();
    expect((await hub.as('alice', 'GET', 'agents')).body.items).toMatchObject([
      { id: 'a1', connected: true, status: 'online', leader: 'r1', term: 1 },
    ]);
    const { session, command } = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body;
    const ordered = await there.command();
    expect(ordered).toMatchObject({
      id: command.id,
      action: 'create_session',
      trace_id: command.trace_id,
      spec: { id: session.id, user: 'alice' },
    });
    there.done(ordered, { session: { ...status(session.id), spec: ordered.spec! } });
    await reaches(`sessions/${session.id}`, 'running');
    expect((await hub.as('alice', 'GET', `commands/${command.id}`)).body).toMatchObject({
      state: 'completed',
      attempt: 1,
    });

    const ticket = (await hub.as('alice', 'POST', `sessions/${session.id}/ticket`)).body;
    const viewer = new WebSocket(url + ticket.url, ['binary']);
    sockets.push(viewer);
    const received = new Promise((resolve) => viewer.once('message', (data) => resolve((data as Buffer).toString())));
    await opened(viewer);
    const { stream_id } = await there.hear('vnc_connect');
    there.say({ type: 'vnc_connected', stream_id, credit: 1_000 });
    there.ws.send(dataFrame(stream_id, Buffer.from('RFB 003.008\n')));
    expect(await received).toBe('RFB 003.008\n');
    const again = new WebSocket(url + ticket.url, ['binary']);
    sockets.push(again);
    expect(await rejection(opened(again))).toMatchObject({ status: 401, body: { error: { code: 'ticket_invalid' } } });

    await hub.as('alice', 'DELETE', `sessions/${session.id}`);
    await there.serve();
    await reaches(`sessions/${session.id}`, 'gone');
    expect((await hub.as('alice', 'GET', 'sessions')).body.items).toEqual([]);
    const timeline = (await hub.as('alice', 'GET', 'agents/a1/timeline')).body.items;
    expect(timeline.map(({ type }: { type: string }) => type)).toContain('agent.registered');
  });

  it('[VIEW3] a page of another origin gets no screen, even with a ticket', async () => {
    const there = await agent();
    const { session } = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body;
    await there.serve();
    await reaches(`sessions/${session.id}`, 'running');
    const ticket = (await hub.as('alice', 'POST', `sessions/${session.id}/ticket`)).body;
    const foreign = new WebSocket(url + ticket.url, ['binary'], { origin: 'https://evil.example.com' });
    sockets.push(foreign);
    expect(await rejection(opened(foreign))).toMatchObject({
      status: 403,
      body: { error: { code: 'origin_refused' } },
    });
  });

  it('[AUTH5] rotates a credential over REST, and the link stays', async () => {
    const there = await agent();
    const rotated = hub.as('admin', 'POST', 'agents/a1/rotate');
    const { rotation_id, token } = await there.hear('credential');
    there.say({ type: 'credential_stored', rotation_id });
    expect((await rotated).status).toBe(204);
    await there.sync();
    expect(await rejection(ScriptedAgent.connect(url, there.credential))).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthenticated' } },
    });
    const next = await ScriptedAgent.connect(url, token);
    sockets.push(next.ws);
  });

  it('a revoked agent is cut off, and does not come in again', async () => {
    const there = await agent();
    expect((await hub.as('admin', 'DELETE', 'agents/a1/credential')).status).toBe(204);
    expect((await there.closed).code).toBe(4410);
    expect(await rejection(ScriptedAgent.connect(url, there.credential))).toMatchObject({ status: 401 });
  });

  it('a token of a user opens no link, and a credential of an agent no REST', async () => {
    expect(await rejection(ScriptedAgent.connect(url, await hub.sign({ roles: ['admin'] })))).toMatchObject({
      status: 401,
    });
    const { credential } = await agent();
    expect(
      (await hub.as(undefined, 'GET', 'sessions', undefined, { authorization: `Bearer ${credential}` })).status,
    ).toBe(401);
  });

  it('ends links and leaves no timer behind when it stops', async () => {
    const there = await agent();
    await hub.app.close();
    await there.closed;
    await vi.waitFor(() => expect(hub.clock.pending).toBe(0));
  });
});
