import { ERRORS } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestHub } from '../support/hub.ts';
import { opened, type RefusedUpgrade } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

const refusal = (attempt: Promise<unknown>): Promise<RefusedUpgrade> =>
  attempt.then(
    () => Promise.reject(new Error('it was let in')),
    (refused: RefusedUpgrade) => refused,
  );

test('failure 4: [VIEW1] binary is echoed if offered, nothing if not, and every frame is binary: what unmodified noVNC needs', async () => {
  const { agent } = await hub.running();
  const kinds: boolean[] = [];
  for (const [protocols, chosen] of [
    [['binary'], 'binary'],
    [['base64', 'binary'], 'binary'],
    [[], ''],
  ] as const) {
    const viewer = await hub.viewer('s1', { protocols: [...protocols] });
    expect(viewer.ws.protocol).toBe(chosen);
    viewer.ws.on('message', (_data, isBinary) => kinds.push(isBinary));
    const { stream_id: id } = await agent.hear('vnc_connect');
    agent.say({ type: 'vnc_connected', stream_id: id, credit: 1000 });
    agent.ws.send(Buffer.concat([Buffer.from([1, 0, 0, 0, id]), Buffer.from('RFB 003.008\n')]));
    expect((await viewer.got.next()).toString()).toBe('RFB 003.008\n');
  }
  expect(kinds).toEqual([true, true, true]);
});

test('[VIEW1] text frames from a viewer are refused, and only its own stream ends', async () => {
  const { agent } = await hub.running();
  const { viewer, id } = await hub.screen(agent);
  const other = await hub.screen(agent);
  viewer.ws.send('UkZC');
  expect((await viewer.closed).code).toBe(ERRORS.malformed_frame.close);
  expect(await agent.hear('vnc_disconnect')).toMatchObject({ stream_id: id });
  other.viewer.ws.send(Buffer.from('x'));
  expect(await agent.frames.next()).toMatchObject({ streamId: other.id });
});

test('[VIEW2] a ticket works once, for its session, for a minute', async () => {
  await hub.running('s1');
  await hub.create({ id: 's2' });
  const ticket = await hub.ticket('s1');
  await hub.viewer('s1', { ticket });
  const late = await hub.ticket('s1');
  await hub.clock.advance(60_001);
  for (const options of [
    { ticket },
    { ticket: 'nonsense' },
    { ticket: '' },
    { ticket: await hub.ticket('s2') },
    { ticket: late },
  ]) {
    const { status, body } = await refusal(hub.viewer('s1', options));
    expect(status).toBe(401);
    expect(body.error?.code).toBe('ticket_invalid');
  }
});

test('failure 13: [VIEW3] foreign origins are refused; the own, an allowed one and none pass', async () => {
  await hub.running();
  const ticket = await hub.ticket();
  const { status, body } = await refusal(hub.viewer('s1', { ticket, origin: 'https://evil.example' }));
  expect(status).toBe(403);
  expect(body.error?.code).toBe('origin_refused');
  // the refusal did not use up the ticket of somebody else
  await hub.viewer('s1', { ticket, origin: 'https://ok.example' });
  await hub.viewer('s1', { origin: `http://127.0.0.1:${hub.port}` });
  await hub.viewer('s1');
});

test('a session that does not run, or is not there: said with a close code, or 404', async () => {
  await hub.welcome();
  await hub.create({ id: 's1' });
  const viewer = await hub.viewer('s1');
  expect(await viewer.closed).toEqual({ code: ERRORS.session_not_running.close, reason: 'session s1 is pending' });
  expect((await refusal(hub.viewer('s9'))).status).toBe(404);
});

test('failure 6: a viewer at a hub that does not hold the agent is told to come again, not left with nothing', async () => {
  const { agent } = await hub.running();
  agent.say({ type: 'goodbye', reason: '' });
  await agent.closed;
  const viewer = await hub.viewer('s1');
  expect((await viewer.closed).code).toBe(ERRORS.agent_offline.close);
});

test('a viewer that answers no ping for a minute is ended, and its stream with it', async () => {
  const { agent } = await hub.running();
  const ticket = await hub.ticket();
  const dead = new WebSocket(`${hub.url}/api/v1/sessions/s1/vnc?ticket=${ticket}`, ['binary'], { autoPong: false });
  const closed = new Promise<number>((resolve) => dead.once('close', resolve));
  await opened(dead);
  const { stream_id: id } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: id, credit: 1000 });
  for (let n = 0; n < 9; n++) {
    await hub.clock.advance(10_000);
    await agent.sync();
  }
  expect(await closed).toBe(1006);
  expect(await agent.hear('vnc_disconnect')).toMatchObject({ stream_id: id });
  expect(hub.gateway.counts).toMatchObject({ streams: 0, viewers: 0 });
});

test('a viewer that only watches lives on: its pongs count', async () => {
  const { agent } = await hub.running();
  const { viewer } = await hub.screen(agent);
  for (let n = 0; n < 10; n++) {
    const pinged = new Promise((resolve) => viewer.ws.once('ping', resolve));
    await hub.clock.advance(10_000);
    await agent.sync();
    await hub.clock.advance(10_000);
    await agent.sync();
    await pinged;
    // its own ping is behind its pong: when the hub has answered the one, it has seen the other
    const answered = new Promise((resolve) => viewer.ws.once('pong', resolve));
    viewer.ws.ping();
    await answered;
  }
  expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
});

test('a draining hub takes no viewers', async () => {
  await hub.running();
  const enough = new AbortController();
  const drained = hub.gateway.drain(enough.signal);
  const { status, body } = await refusal(hub.viewer('s1'));
  expect([status, body.error?.code]).toEqual([503, 'going_away']);
  enough.abort();
  await drained;
});
