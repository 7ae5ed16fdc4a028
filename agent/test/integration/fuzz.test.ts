import { FrameKind } from '@streamspace/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { specOf } from '../support/driver.ts';
import { type Connection, ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let under: AgentUnderTest;

beforeAll(async () => {
  hub = await new ScriptedHub().listen();
  under = await startAgent({
    url: hub.url,
    env: { RECONNECT_DELAY: '1ms', MAX_RECONNECT_DELAY: '5ms', MAX_CONCURRENT_OPERATIONS: '4' },
  });
  for (const id of ['s-1', 's-2']) under.driver.sessions.set(id, { spec: specOf(id), state: 'running' });
});
afterAll(async () => {
  await under.stop();
  await hub.close();
});

const id = fc.constantFrom('s-1', 's-2', 'nobody', 'Bad Id', '');
const number = fc.oneof(fc.constantFrom(0, 1, 2, 3, -1, 2 ** 32), fc.double());
const known = fc.record(
  {
    type: fc.constantFrom(
      'command',
      'vnc_connect',
      'vnc_disconnect',
      'credential',
      'heartbeat_ack',
      'welcome',
      'refuse',
      'go_away',
      'nonsense',
    ),
    id: fc.constantFrom('c-1', 'c-2', 'c-3', 'c-4'),
    attempt: number,
    action: fc.constantFrom(
      'create_session',
      'delete_session',
      'hibernate_session',
      'wake_session',
      'list_sessions',
      'explode',
    ),
    session_id: id,
    spec: fc.oneof(fc.constant(specOf('s-9')), fc.jsonValue()),
    stream_id: number,
    credit: number,
    seq: number,
    token: fc.string(),
    rotation_id: id,
    reason: fc.string(),
    reconnect_after_ms: fc.constantFrom(0, 1, 2 ** 31),
  },
  { requiredKeys: ['type'] },
);
const text = fc.oneof(
  { weight: 6, arbitrary: known.map((message) => JSON.stringify(message)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.tuple(known, known).map((two) => two.map((one) => JSON.stringify(one)).join('\n')) },
);
const binary = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .record({
      kind: fc.constantFrom(0, FrameKind.data, FrameKind.credit, FrameKind.end, 9),
      stream: fc.nat(4),
      rest: fc.uint8Array({ maxLength: 300 }),
    })
    .map(({ kind, stream, rest }) => Uint8Array.from([kind, 0, 0, 0, stream, ...rest])),
);
const frame = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 2, arbitrary: binary.map((bytes) => Buffer.from(bytes)) },
);

/** The newest connection that is up. */
const current = (): Promise<Connection> =>
  until(
    () =>
      hub.connections.findLast(
        ({ closed, messages }) => closed === undefined && messages.some(({ type }) => type === 'sessions'),
      ),
    'a connection',
  );

describe('whatever a hub sends', () => {
  it('[WIRE2] [WIRE3] crashes no agent and leaks neither stream nor socket', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), async (frames) => {
        const connection = await current();
        for (const one of frames) connection.ws.send(one);
        // it is answered, or the link was ended and there is another one
        connection.ws.ping();
        await until(() => connection.closed !== undefined || connection.all('heartbeat').length > 0, 'life');
      }),
      { numRuns: 150 },
    );
    const last = await current();
    last.command('the-end', 'list_sessions');
    await until(
      () =>
        hub.connections.some((connection) =>
          connection.all('result').some(({ command_id }) => command_id === 'the-end'),
        ),
      'an answer',
      5_000,
    ).catch(async () => {
      const next = await current();
      next.command('the-end', 'list_sessions');
      await next.next('result');
    });
    for (const connection of hub.connections) connection.ws.terminate();
    await until(() => under.driver.screens === 0 && under.driver.sockets.size === 0, 'all screens to be closed');
    const metrics = await (await fetch(`http://127.0.0.1:${under.agent.ports.metrics}/metrics`)).text();
    expect(metrics).toContain('streamspace_agent_vnc_tunnels_active 0');
    expect(under.driver.watchers.size).toBe(1);
    await current();
    await until(() => hub.live.length === 1, 'one live connection');
  });

  it.each([
    ['{"type":"heartbeat_ack","seq":0}\n{"type":"heartbeat_ack","seq":0}', 4401],
    ['not json', 4401],
    ['[]', 4401],
    ['{"type":"dance"}', 4402],
    ['{"type":"command","id":"c"}', 4401],
    [Buffer.from([9, 0, 0, 0, 1]), 4401],
    [Buffer.from([1, 0, 0, 0]), 4401],
    [Buffer.alloc(5 + 64 * 1024 + 1, 1), 1009],
  ])('[WIRE2] [WIRE4] %s ends the link with %d', async (sent, code) => {
    const connection = await current();
    connection.ws.send(sent);
    await until(() => connection.closed, 'the close');
    expect(connection.closed!.code).toBe(code);
  });
});
