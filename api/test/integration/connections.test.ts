import { AGENT_SUBPROTOCOL, ERRORS, PROTOCOL_VERSIONS, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { helloMessage, opened, type RefusedUpgrade, ScriptedAgent } from '../support/scripted-agent.ts';

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

describe('upgrades', () => {
  test('[WIRE1] a wrong, missing or foreign credential is answered 401 with the JSON error, before any WebSocket', async () => {
    const good = await hub.credential();
    for (const credential of [undefined, 'nonsense', `ssa_a1.${'A'.repeat(43)}`, good.replace('ssa_a1', 'ssa_a2')]) {
      const { status, body } = await refusal(ScriptedAgent.connect(hub.url, credential));
      expect(status).toBe(401);
      expect(body.error?.code).toBe('unauthenticated');
    }
    expect(hub.gateway.counts).toEqual({ links: 0, handshakes: 0, streams: 0, viewers: 0 });
  });

  test('[WIRE1] the subprotocol is required, and echoed', async () => {
    const headers = { authorization: `Bearer ${await hub.credential()}` };
    const without = new WebSocket(`${hub.url}/api/v1/agent/connect`, { headers });
    expect((await refusal(opened(without))).status).toBe(400);
    const agent = await hub.agent();
    expect(agent.ws.protocol).toBe(AGENT_SUBPROTOCOL);
  });

  test('an upgrade of anything else is 404, and a broken one takes nobody along', async () => {
    const agent = await hub.welcome();
    expect((await refusal(opened(new WebSocket(`${hub.url}/api/v1/agents`)))).status).toBe(404);
    for (const request of [
      'GET /api/v1/agent/connect HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      `GET /api/v1/agent/connect HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${await hub.credential('a2')}\r\nSec-WebSocket-Protocol: ${AGENT_SUBPROTOCOL}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n`,
    ]) {
      const socket = connect(hub.port, '127.0.0.1');
      const answer = await new Promise<string>((resolve, reject) => {
        let text = '';
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
        socket.end(request);
      });
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
    }
    await agent.sync();
  });

  test('a hub whose store does not answer says 503 in time', async () => {
    const credential = await hub.credential();
    hub.store.credentials.get = () => new Promise(() => {});
    const before = hub.clock.pending;
    const refused = refusal(ScriptedAgent.connect(hub.url, credential));
    await eventually('the deadline is set', () => hub.clock.pending > before);
    await hub.clock.advance(10_000);
    expect((await refused).status).toBe(503);
  });
});

describe('hello', () => {
  test('[CON1] no hello within 5 s: hello_timeout', async () => {
    const agent = await hub.agent();
    await eventually('the handshake begins', () => hub.gateway.counts.handshakes === 1);
    await hub.clock.advance(4_999);
    expect(agent.ws.readyState).toBe(WebSocket.OPEN);
    await hub.clock.advance(1);
    expect((await agent.closed).code).toBe(ERRORS.hello_timeout.close);
    expect(hub.gateway.counts.handshakes).toBe(0);
  });

  test('[CON1] anything but hello before the welcome ends the link', async () => {
    const agent = await hub.agent();
    agent.say({ type: 'goodbye', reason: '' });
    expect((await agent.closed).code).toBe(ERRORS.invalid_request.close);
    const binary = await hub.agent();
    binary.ws.send(Buffer.from([1, 0, 0, 0, 1, 65]));
    expect((await binary.closed).code).toBe(ERRORS.malformed_frame.close);
    const eager = await hub.agent();
    eager.say(helloMessage());
    eager.say(helloMessage());
    expect((await eager.closed).code).toBe(ERRORS.invalid_request.close);
    await eventually('nothing is left', () => hub.gateway.counts.links + hub.gateway.counts.handshakes === 0);
    await eventually('nobody holds the agent', async () => (await hub.store.agents.get('a1'))?.connected !== true);
  });

  test("[CON2] an agent id that is not the credential's is refused as forbidden, with the remedy", async () => {
    const agent = await hub.agent('a1');
    const answer = await agent.hello({ agent_id: 'a2' });
    expect(answer).toMatchObject({ type: 'refuse', error: { code: 'forbidden' }, retry_after_ms: 60_000 });
    expect(answer.type === 'refuse' && answer.remedy).toContain('AGENT_ID=a1');
    expect((await agent.closed).code).toBe(ERRORS.forbidden.close);
  });

  test('[VER1] the newest common version is chosen; without one both sides are named', async () => {
    for (const [versions, chosen] of [
      [[3, 2], 3],
      [[2, 1], 2],
      [[4, 3], 3],
    ] as const) {
      const agent = await hub.agent();
      expect(await agent.hello({ versions: [...versions] })).toMatchObject({ type: 'welcome', version: chosen });
    }
    const future = await hub.agent();
    expect(await future.hello({ versions: [9] })).toMatchObject({
      type: 'refuse',
      error: { code: 'unsupported_version', details: { agent: [9], hub: [...PROTOCOL_VERSIONS] } },
      remedy: 'Upgrade the hub',
    });
    expect((await future.closed).code).toBe(ERRORS.unsupported_version.close);
  });

  test('[CON3] welcome names connection, term and heartbeat; heartbeats are acknowledged and stored', async () => {
    const agent = await hub.agent();
    expect(await agent.hello({ term: 7 })).toMatchObject({
      type: 'welcome',
      term: 7,
      heartbeat_ms: 10_000,
      connection_id: expect.any(String),
    });
    agent.say({
      type: 'heartbeat',
      seq: 3,
      status: 'warning',
      capacity: { cpu: 2, memory: 1, max_sessions: 1 },
      active_sessions: 0,
      replicas: [],
    });
    expect(await agent.hear('heartbeat_ack')).toMatchObject({ seq: 3 });
    await eventually('stored', async () => (await hub.store.agents.get('a1'))?.status === 'warning');
    expect(hub.logged.filter(({ msg }) => msg === 'Registered agent')).toHaveLength(1);
    expect(await hub.events()).toContainEqual(expect.objectContaining({ type: 'agent.registered', agent: 'a1' }));
  });

  test('a heartbeat that says nothing new is no event', async () => {
    const agent = await hub.welcome();
    for (let n = 0; n < 3; n++) await agent.sync();
    await eventually('stored', async () => (await hub.events()).some(({ type }) => type === 'agent.updated'));
    await agent.sync();
    expect((await hub.events()).filter(({ type }) => type === 'agent.updated')).toHaveLength(1);
  });
});

describe('the end of a link', () => {
  test('failure 1: messages joined in one frame are refused as a whole, never parsed as one', async () => {
    const agent = await hub.welcome();
    const beat = JSON.stringify({ type: 'goodbye', reason: 'x' });
    agent.ws.send(`${beat}\n${beat}`);
    expect((await agent.closed).code).toBe(ERRORS.malformed_frame.close);
  });

  test('[WIRE2] an unknown type is unknown_message; [WIRE3] a mistyped field malformed_frame, an unknown one nothing', async () => {
    const unknown = await hub.welcome();
    unknown.ws.send('{"type":"vnc_data"}');
    expect((await unknown.closed).code).toBe(ERRORS.unknown_message.close);
    const mistyped = await hub.welcome();
    mistyped.ws.send('{"type":"ack","command_id":"c","attempt":"1"}');
    expect((await mistyped.closed).code).toBe(ERRORS.malformed_frame.close);
    const newer = await hub.welcome();
    newer.ws.send('{"type":"ack","command_id":"c","attempt":1,"new_in_version_3":true}');
    await newer.sync();
  });

  test('[WIRE4] too large: a control message beyond 1 MiB, a data frame beyond 64 KiB', async () => {
    const chatty = await hub.welcome();
    chatty.ws.send(JSON.stringify({ type: 'goodbye', reason: 'x'.repeat(1024 * 1024) }));
    expect((await chatty.closed).code).toBe(ERRORS.message_too_large.close);
    const fat = await hub.welcome();
    fat.ws.send(Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), Buffer.alloc(64 * 1024 + 1)]));
    expect((await fat.closed).code).toBe(ERRORS.message_too_large.close);
    await eventually('both are gone', () => hub.gateway.counts.links === 0);
  });

  test('[WIRE5] silence for more than three intervals: heartbeat_lost, though the socket answers pings', async () => {
    const agent = await hub.welcome();
    await hub.clock.advance(30_000);
    expect(hub.gateway.counts.links).toBe(1);
    await agent.pings.next();
    await hub.clock.advance(5_000);
    expect((await agent.closed).code).toBe(ERRORS.heartbeat_lost.close);
    await eventually('an event says so', async () =>
      (await hub.events()).some(({ type }) => type === 'agent.disconnected'),
    );
  });

  test('[CON7] goodbye frees the agent id at once', async () => {
    const agent = await hub.welcome({ term: 0 });
    agent.say({ type: 'goodbye', reason: 'rollout' });
    expect((await agent.closed).code).toBe(1000);
    await eventually('released', async () => (await hub.store.agents.get('a1'))?.connected === false);
    expect(await (await hub.agent()).hello({ term: 0, replica: 'r2' })).toMatchObject({ type: 'welcome' });
  });

  test('[CON6] the superseded one is told; nothing it sends afterwards has an effect', async () => {
    const old = await hub.welcome({ term: 1, replica: 'r1' });
    await hub.create({ id: 's1' });
    const command = await old.command();
    await hub.commandReaches(command.id, 'ack');
    await hub.welcome({ term: 2, replica: 'r2' });
    old.done(command);
    expect((await old.closed).code).toBe(ERRORS.superseded.close);
    expect((await hub.command(command.id)).state).not.toBe('completed');
  });

  test('failure 7: the exit of an old socket does not evict its successor', async () => {
    const old = await hub.welcome({ term: 1, replica: 'r1' });
    const next = await hub.welcome({ term: 2, replica: 'r2' });
    old.ws.terminate();
    await old.closed;
    await next.sync();
    expect(hub.gateway.counts.links).toBe(1);
    expect(await hub.store.agents.get('a1')).toMatchObject({ connected: true, leader: 'r2' });
    expect((await hub.events()).filter(({ type }) => type === 'agent.disconnected')).toEqual([]);
  });

  test('[CON8] a hub that drains says go_away, takes nobody new, and is done when all have left', async () => {
    const agent = await hub.welcome();
    const drained = hub.gateway.drain(new AbortController().signal);
    expect(await agent.hear('go_away')).toMatchObject({ reconnect_after_ms: expect.any(Number) });
    expect((await refusal(hub.agent('a2'))).body.error?.code).toBe('going_away');
    agent.say({ type: 'goodbye', reason: 'moved' });
    await drained;
    expect(hub.gateway.counts.links).toBe(0);
  });

  test('[CON8] who does not leave is closed when the time for draining is over', async () => {
    const agent = await hub.welcome();
    const enough = new AbortController();
    const drained = hub.gateway.drain(enough.signal);
    await agent.hear('go_away');
    enough.abort();
    await drained;
    expect((await agent.closed).code).toBe(1012);
  });

  test('a stopped hub leaves no timer, link or stream behind', async () => {
    const { agent } = await hub.running();
    await hub.screen(agent);
    await hub.app.close();
    await agent.closed;
    expect(hub.gateway.counts).toEqual({ links: 0, handshakes: 0, streams: 0, viewers: 0 });
    await eventually('timers are gone', () => hub.clock.pending === 0);
  });
});

describe('credentials', () => {
  test('[AUTH5] rotation: both are valid until the agent has stored the new one; the link stays', async () => {
    const agent = await hub.welcome();
    const before = (await hub.store.credentials.get('a1'))!.current;
    const rotated = hub.gateway.rotate('a1');
    const { token, rotation_id } = await agent.hear('credential');
    expect((await hub.store.credentials.get('a1'))!.current).toBe(before);
    agent.say({ type: 'credential_stored', rotation_id });
    await rotated;
    expect((await hub.store.credentials.get('a1'))!.current).not.toBe(before);
    expect((await refusal(hub.agent('a1'))).status).toBe(401);
    await hub.agent('a1', { credential: token });
    await agent.sync();
  });

  test('[AUTH5] an agent that does not answer, or is away: the old one stays valid', async () => {
    await expect(hub.gateway.rotate('a1')).rejects.toMatchObject({ code: 'agent_offline' });
    const agent = await hub.welcome();
    const rotated = hub.gateway.rotate('a1');
    rotated.catch(() => {});
    await agent.hear('credential');
    agent.ws.terminate();
    await expect(rotated).rejects.toMatchObject({ code: 'agent_offline' });
    await hub.welcome();
    const silent = hub.gateway.rotate('a1');
    silent.catch(() => {});
    await hub.clock.advance(30_000);
    await expect(silent).rejects.toMatchObject({ code: 'command_timeout' });
  });
});

describe('K9 how long an agent that is away takes new sessions', () => {
  const away = async () => {
    const record = await eventually('a1 is away', async () => {
      const agent = await hub.store.agents.get('a1');
      return agent?.connected === false ? agent : undefined;
    });
    return record.away_since;
  };

  test('counts from the end of its connection, and not at all when its credential was the reason', async () => {
    await hub.welcome();
    await hub.gateway.close('a1', new StreamSpaceError('heartbeat_lost', 'silent'));
    expect(await away()).toBe(iso(hub.clock.now()));
    await hub.welcome({ term: 2 });
    await hub.gateway.close('a1', new StreamSpaceError('unauthenticated', 'the credential was revoked'));
    expect(await away()).toBeNull();
  });
});
