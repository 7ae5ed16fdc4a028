import { type AgentMessage, LIMITS } from '@streamspace/protocol';
import { iso } from 'clock-port';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { helloMessage, status } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeAll(async () => {
  hub = await TestHub.start();
});
afterAll(() => hub.stop());

type Frame = string | Buffer;

const capacity = { cpu: 1, memory: 1, max_sessions: 1 };
const error = { code: 'driver_failed', message: 'x', retryable: false } as const;
const session = fc.constantFrom('s1', 's2', 'unknown').map((id) => status(id));
const streamId = fc.constantFrom(1, 2, 3, 4_294_967_295);
const ids = { command_id: fc.constantFrom('c-s1', 'c-s2', 'nobody'), attempt: fc.integer({ min: 1, max: 3 }) };
const of = (type: AgentMessage['type'], fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record<Record<string, unknown>>({ type: fc.constant(type), ...fields });

/** Messages that match their schemas, about things that are there and things that are not. */
const valid = fc.oneof(
  fc.constantFrom(helloMessage({ agent_id: 'fuzz', term: 0 }), helloMessage({ agent_id: 'other' })),
  of('heartbeat', {
    seq: fc.nat(),
    status: fc.constant('online'),
    capacity: fc.constant(capacity),
    active_sessions: fc.nat(),
    replicas: fc.constant([]),
  }),
  of('sessions', { sessions: fc.array(session, { maxLength: 3 }) }),
  of('session_state', { session }),
  of('session_gone', { session_id: fc.constantFrom('s1', 'x'), reason: fc.string() }),
  of('ack', ids),
  of('result', ids),
  of('result', { ...ids, error: fc.constant(error) }),
  of('vnc_connected', { stream_id: streamId, credit: fc.nat() }),
  of('vnc_disconnect', { stream_id: streamId }),
  of('vnc_disconnect', { stream_id: streamId, error: fc.constant(error) }),
  of('credential_stored', { rotation_id: fc.constantFrom('r', 'rr') }),
  of('goodbye', { reason: fc.string() }),
);

/** The same with one field replaced or removed. */
const mutated = fc.tuple(valid, fc.nat(), fc.jsonValue(), fc.boolean()).map(([message, at, value, remove]) => {
  const copy = { ...(message as Record<string, unknown>) };
  const keys = Object.keys(copy);
  const key = keys[at % keys.length]!;
  if (remove) delete copy[key];
  else copy[key] = value;
  return copy;
});

const binary = fc
  .tuple(fc.constantFrom(0, 1, 1, 1, 2, 3, 4, 5, 255), streamId, fc.uint8Array({ maxLength: 40 }), fc.boolean())
  .map(([kind, id, rest, credit]) => {
    const header = Buffer.alloc(5);
    header[0] = kind;
    header.writeUInt32BE(id, 1);
    return Buffer.concat([header, kind === 2 && credit ? Buffer.from([0, 1, 0, 0]) : rest]);
  });

const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 6, arbitrary: valid.map((message) => JSON.stringify(message)) },
  { weight: 3, arbitrary: mutated.map((message) => JSON.stringify(message)) },
  { weight: 4, arbitrary: binary },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Buffer.alloc(LIMITS.dataFrame + 6, 1),
      '['.repeat(10_000),
      '{"type":"__proto__"}',
      '{"__proto__":{"type":"hello"}}',
    ),
  },
);

async function nothingIsLeft(): Promise<void> {
  const { gateway } = hub;
  await eventually('nothing is left', () => Object.values(gateway.counts).every((count) => count === 0));
  await eventually('nobody holds the agent', async () => (await hub.store.agents.get('fuzz'))?.connected !== true);
}

test('no frame of an agent, in any state of its link, harms the hub or leaves a link or a stream behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('fresh', 'hello', 'welcome', 'screen'),
      fc.array(frame, { minLength: 1, maxLength: 25 }),
      async (state, frames) => {
        // one agent may not come as often as it likes
        await hub.clock.advance(1_000);
        const agent = await hub.agent('fuzz');
        if (state === 'hello') agent.say(helloMessage({ agent_id: 'fuzz', term: 0 }));
        if (state === 'welcome' || state === 'screen') await agent.hello({ agent_id: 'fuzz', term: 0 });
        if (state === 'screen') {
          await hub.store.sessions.adopt({
            ...(await hub.create({ agent: 'fuzz' })).session,
            id: 'on-screen',
            state: 'running',
          });
          // a report of an earlier round may have left it out, and so ended it [SES3]
          await hub.store.sessions.update('on-screen', { state: 'running', updated_at: iso(hub.clock.now()) });
          await hub.viewer('on-screen');
          const { stream_id } = await agent.hear('vnc_connect');
          agent.say({ type: 'vnc_connected', stream_id, credit: 1000 });
        }
        for (const each of frames) agent.ws.send(each);
        agent.ws.close();
        await agent.closed;
        await nothingIsLeft();
      },
    ),
    { numRuns: 300 },
  );
  await (await hub.welcome({ agent_id: 'fuzz', term: 0 })).sync();
}, 60_000);

test('no frame of a viewer harms the hub, its agent or another viewer', async () => {
  const agent = await hub.welcome({ agent_id: 'a1', term: 0 });
  await hub.create({ id: 'v1' });
  await agent.serve();
  await hub.reaches('v1', 'running');
  const before = hub.gateway.counts;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
        ),
        { maxLength: 20 },
      ),
      fc.boolean(),
      async (frames, abrupt) => {
        const viewer = await hub.viewer('v1');
        for (const each of frames) viewer.ws.send(each);
        if (abrupt) viewer.ws.terminate();
        else viewer.ws.close();
        await viewer.closed;
        await eventually('it is gone', () => JSON.stringify(hub.gateway.counts) === JSON.stringify(before));
      },
    ),
    { numRuns: 200 },
  );
  await agent.sync();
  expect(agent.ws.readyState).toBe(WebSocket.OPEN);
}, 60_000);

test('no request for an upgrade harms the hub', async () => {
  const { connect } = await import('node:net');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.webPath(),
        fc.constantFrom('/api/v1/agent/connect', '/api/v1/sessions/s1/vnc?ticket=x', '//', '/api/v1/sessions/%ff/vnc'),
      ),
      fc.array(
        fc.tuple(
          fc.constantFrom(
            'Authorization',
            'Origin',
            'Sec-WebSocket-Key',
            'Sec-WebSocket-Version',
            'Sec-WebSocket-Protocol',
          ),
          fc.string(),
        ),
      ),
      fc.boolean(),
      async (path, headers, abrupt) => {
        const socket = connect(hub.port, '127.0.0.1');
        socket.on('error', () => {});
        const lines = headers.map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, '')}`);
        const request = [`GET ${path} HTTP/1.1`, 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket', ...lines].join(
          '\r\n',
        );
        await new Promise<void>((resolve) => {
          socket.on('close', () => resolve());
          socket.on('data', () => {});
          socket.write(`${request}\r\n\r\n`, () => (abrupt ? socket.destroy() : socket.end()));
        });
      },
    ),
    { numRuns: 200 },
  );
  await (await hub.welcome({ agent_id: 'a3' })).sync();
}, 60_000);
