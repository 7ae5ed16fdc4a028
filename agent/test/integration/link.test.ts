import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { specOf } from '../support/driver.ts';
import { ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let under: AgentUnderTest | undefined;

beforeEach(async () => {
  hub = await new ScriptedHub().listen();
});

afterEach(async () => {
  await under?.stop();
  under = undefined;
  await hub.close();
});

describe('a link', () => {
  it('[CON1] [CON2] [CON3] says hello, then reports its sessions, then beats', async () => {
    hub.heartbeatMs = 300;
    under = await startAgent({ url: hub.url });
    const connection = await hub.connection(1);
    expect(connection.authorization).toBe(`Bearer ssa_${'a'.repeat(40)}`);
    expect(connection.ws.protocol).toBe('streamspace.agent');
    await until(() => connection.all('heartbeat').length >= 3, 'three heartbeats');
    expect(connection.messages.slice(0, 3).map(({ type }) => type)).toEqual(['hello', 'sessions', 'heartbeat']);
    expect(connection.hello).toMatchObject({ agent_id: 'agent-1', replica: 'replica-1', term: 0, platform: 'process' });
    await until(() => under!.agent.view().lastHeartbeat, 'an answered heartbeat');
  });

  it('carries out a command and answers with the session', async () => {
    under = await startAgent({ url: hub.url });
    const connection = await hub.connection(1);
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    expect(await connection.next('ack')).toEqual({ type: 'ack', command_id: 'cmd-1', attempt: 1 });
    expect(await connection.next('result')).toMatchObject({ command_id: 'cmd-1', session: { state: 'running' } });
  });

  it('loses no message that comes in the same packet as the welcome', async () => {
    hub.script.hello = (_hello, connection) => {
      connection.send(hub.welcome(1));
      connection.command('cmd-1', 'list_sessions');
      return undefined;
    };
    under = await startAgent({ url: hub.url });
    const connection = await hub.connection(1);
    expect(await connection.next('result')).toMatchObject({ command_id: 'cmd-1', sessions: [] });
  });

  it('carries a screen both ways', async () => {
    under = await startAgent({ url: hub.url });
    under.driver.sessions.set('s-1', { spec: specOf('s-1'), state: 'running' });
    const connection = await hub.connection(1);
    connection.send({ type: 'vnc_connect', stream_id: 7, session_id: 's-1', credit: 1 << 20 });
    expect(await connection.next('vnc_connected')).toMatchObject({ stream_id: 7 });
    connection.sendData(7, Buffer.from('hello screen'));
    await until(() => connection.received(7).toString() === 'hello screen', 'the echo');
    connection.sendEnd(7);
    await until(() => connection.frames.some(({ kind }) => kind === 'end'), 'the end');
    await until(() => under!.driver.sockets.size === 0, 'the screen to be closed');
  });
});
