import { randomBytes } from 'node:crypto';
import { LIMITS } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { specOf } from '../support/driver.ts';
import { type Connection, ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let under: AgentUnderTest;
let connection: Connection;

const begin = async (env: Record<string, string> = {}) => {
  under = await startAgent({ url: hub.url, env });
  for (const id of ['s-1', 's-2']) under.driver.sessions.set(id, { spec: specOf(id), state: 'running' });
  connection = await hub.connection(1);
  await connection.next('sessions');
};
const open = async (streamId: number, session = 's-1', credit = 1 << 24) => {
  connection.send({ type: 'vnc_connect', stream_id: streamId, session_id: session, credit });
  await connection.next('vnc_connected');
};
const metric = async (name: string) => {
  const text = await (await fetch(`http://127.0.0.1:${under.agent.ports.metrics}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
};

beforeEach(async () => {
  hub = await new ScriptedHub().listen();
});
afterEach(async () => {
  await under.stop();
  await hub.close();
});

describe('tunnel', () => {
  it('[STR3] failure 4: carries any bytes, as binary frames, complete and in order', async () => {
    await begin();
    await open(1);
    const sent = randomBytes(3 * 1024 * 1024);
    let at = 0;
    let credit = LIMITS.initialCredit;
    let seen = 0;
    while (at < sent.length) {
      const size = Math.min(60_000, sent.length - at, credit);
      if (size > 0) {
        connection.sendData(1, sent.subarray(at, at + size));
        at += size;
        credit -= size;
      } else await until(() => connection.frames.length > seen, 'credit');
      for (; seen < connection.frames.length; seen++) {
        const frame = connection.frames[seen]!;
        if (frame.kind === 'credit') credit += frame.credit;
      }
    }
    await until(
      () =>
        connection.frames.reduce((sum, frame) => sum + (frame.kind === 'data' ? frame.data.length : 0), 0) ===
        sent.length,
      'all of it',
    );
    expect(connection.received(1).equals(sent)).toBe(true);
  });

  it('[STR4] sends no more than its credit, keeps the rest in the screen, and goes on with more', async () => {
    await begin();
    let written = 0;
    under.driver.onScreen = (socket) => {
      const chunk = Buffer.alloc(64 * 1024, 7);
      const fill = () => {
        while (written < 64 * 1024 * 1024 && !socket.destroyed) {
          written += chunk.length;
          if (!socket.write(chunk)) break;
        }
      };
      socket.on('drain', fill);
      fill();
    };
    await open(1, 's-1', 100_000);
    await until(() => connection.received(1).length === 100_000, 'the credit to be used');
    // turn after turn, whatever could be sent or read would have been
    for (let n = 0; n < 100; n++) {
      connection.command(`cmd-${n}`, 'list_sessions');
      await connection.next('result');
    }
    expect(connection.received(1).length).toBe(100_000);
    // what is held up is held up at the screen: kernel buffers and 64 KiB here
    expect(written).toBeLessThan(32 * 1024 * 1024);
    connection.sendCredit(1, 50_000);
    await until(() => connection.received(1).length === 150_000, 'the rest of the credit');
  });

  it('failure 5: opens again and again, several at once, and after a wake', async () => {
    await begin();
    for (let id = 1; id <= 5; id++) await open(id);
    expect(under.driver.sockets.size).toBe(5);
    expect(await metric('streamspace_agent_vnc_tunnels_active')).toBe(5);
    connection.command('cmd-1', 'hibernate_session', { session_id: 's-1' });
    await connection.next('result');
    await until(() => under.driver.sockets.size === 0, 'screens to be closed');
    connection.send({ type: 'vnc_connect', stream_id: 6, session_id: 's-1', credit: 1000 });
    await until(() => connection.all('vnc_disconnect').some(({ stream_id }) => stream_id === 6), 'a refusal');
    connection.command('cmd-2', 'wake_session', { session_id: 's-1' });
    await connection.next('result');
    await open(7);
    connection.sendData(7, Buffer.from('awake'));
    await until(() => connection.received(7).toString() === 'awake', 'the echo');
  });

  it.each(['hibernate_session', 'delete_session'] as const)(
    '%s closes the screens of its session, no other’s',
    async (action) => {
      await begin();
      await open(1, 's-1');
      await open(2, 's-2');
      connection.command('cmd-1', action, { session_id: 's-1' });
      await connection.next('result');
      const told = connection.all('vnc_disconnect');
      expect(told).toMatchObject([{ stream_id: 1, error: { code: 'session_not_running' } }]);
      await until(() => under.driver.sockets.size === 1, 'one screen to be closed');
      connection.sendData(2, Buffer.from('still here'));
      await until(() => connection.received(2).toString() === 'still here', 'the other screen');
    },
  );

  it.each([
    ['nobody', 'not_found'],
    ['s-3', 'session_not_running'],
  ])('refuses a screen of %s: %s', async (session, code) => {
    await begin();
    under.driver.sessions.set('s-3', { spec: specOf('s-3'), state: 'hibernated' });
    connection.send({ type: 'vnc_connect', stream_id: 1, session_id: session, credit: 1 });
    expect(await connection.next('vnc_disconnect')).toMatchObject({ stream_id: 1, error: { code } });
  });

  it('refuses a stream id that is in use', async () => {
    await begin();
    await open(1);
    connection.send({ type: 'vnc_connect', stream_id: 1, session_id: 's-1', credit: 1 });
    expect(await connection.next('vnc_disconnect')).toMatchObject({ error: { code: 'conflict' } });
  });

  it('[STR7] vnc_disconnect closes the screen at once, even one that is being connected', async () => {
    await begin();
    await open(1);
    connection.send({ type: 'vnc_disconnect', stream_id: 1 });
    connection.send({ type: 'vnc_connect', stream_id: 2, session_id: 's-1', credit: 1 });
    connection.send({ type: 'vnc_disconnect', stream_id: 2 });
    await until(() => under.driver.screens === 0 && under.driver.sockets.size === 0, 'both to be closed');
    connection.command('cmd-1', 'list_sessions');
    await connection.next('result');
    expect(connection.all('vnc_disconnect')).toEqual([]);
    expect(await metric('streamspace_agent_vnc_tunnels_active')).toBe(0);
  });

  it('[STR7] the screen’s end comes after its last byte', async () => {
    await begin();
    under.driver.onScreen = (socket) => socket.end('goodbye');
    await open(1);
    await until(() => connection.frames.some(({ kind }) => kind === 'end'), 'the end');
    expect(connection.received(1).toString()).toBe('goodbye');
    connection.sendEnd(1);
    await until(() => under.driver.screens === 0, 'the screen to be closed');
  });

  it('tells the hub when a screen breaks', async () => {
    await begin();
    await open(1);
    for (const socket of under.driver.sockets) socket.resetAndDestroy();
    expect(await connection.next('vnc_disconnect')).toMatchObject({
      stream_id: 1,
      error: { code: 'screen_unreachable' },
    });
  });

  it('[STR4] a viewer that sends more than its credit loses its stream, and only that', async () => {
    await begin();
    under.driver.onScreen = () => undefined;
    await open(1, 's-1');
    await open(2, 's-2');
    for (const socket of under.driver.sockets) socket.pause();
    // past any buffer on the way
    for (let n = 0; n < 400 && connection.all('vnc_disconnect').length === 0; n++) {
      connection.sendData(1, Buffer.alloc(60_000));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await connection.next('vnc_disconnect')).toMatchObject({ stream_id: 1, error: { code: 'credit_exceeded' } });
    expect(connection.closed).toBeUndefined();
    await until(() => under.driver.screens === 1, 'one screen to stay');
  });

  it('closes a screen that is idle for VNC_TUNNEL_TIMEOUT', async () => {
    await begin({ VNC_TUNNEL_TIMEOUT: '50ms' });
    await open(1);
    expect(await connection.next('vnc_disconnect')).toMatchObject({ stream_id: 1, error: { code: 'idle_timeout' } });
    await until(() => under.driver.sockets.size === 0, 'the screen to be closed');
  });

  it('[STR8] all screens end with the link', async () => {
    await begin();
    await open(1);
    await open(2, 's-2');
    connection.ws.terminate();
    await until(() => under.driver.screens === 0 && under.driver.sockets.size === 0, 'the screens to be closed');
    connection = await hub.connection(2);
    await open(1);
  });
});
