import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { specOf } from '../support/driver.ts';
import { type Connection, ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

const HELLO = Buffer.from('RFB 003.008\n\x01\x01', 'latin1');
const UPDATE = Buffer.of(3, 1, 0, 0, 0, 0, 0, 0, 0, 0);
const KEY = Buffer.of(4, 1, 0, 0, 0, 0, 0, 0x61);

describe('idle hibernate', () => {
  let hub: ScriptedHub;
  let under: AgentUnderTest;
  let connection: Connection;
  let typing: NodeJS.Timeout | undefined;

  beforeEach(async () => {
    hub = await new ScriptedHub().listen();
  });
  afterEach(async () => {
    clearInterval(typing);
    await under.stop();
    await hub.close();
  });
  const begin = async (env: Record<string, string>) => {
    under = await startAgent({ url: hub.url, env });
    for (const id of ['s-1', 's-2', 's-3']) under.driver.sessions.set(id, { spec: specOf(id), state: 'running' });
    connection = await hub.connection(1);
    await connection.next('sessions');
  };
  const open = async (stream: number, session: string) => {
    connection.send({ type: 'vnc_connect', stream_id: stream, session_id: session, credit: 1 << 24 });
    await connection.next('vnc_connected');
    connection.sendData(stream, HELLO);
  };
  const hibernated = () => under.driver.calls.filter((call) => call.startsWith('hibernate'));

  it('hibernates the sessions that nobody types in, looked at or not, and tells the hub', async () => {
    await begin({ SESSION_IDLE_TIMEOUT: '2s' });
    await open(1, 's-1');
    await open(2, 's-2');
    const told: { id: string; state: string; reason: string | undefined }[] = [];
    typing = setInterval(() => {
      connection.sendData(1, UPDATE);
      connection.sendData(2, KEY);
    }, 50);
    while (told.length < 2) {
      const { session } = await connection.next('session_state');
      told.push({ id: session.spec.id, state: session.state, reason: session.reason });
    }
    expect(told.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
      ['s-1', 's-3'].map((id) => ({ id, state: 'hibernated', reason: 'Hibernated: nobody used it for 2 s' })),
    );
    expect(hibernated()).toHaveLength(2);
    // its viewer was sent away, with the reason
    expect(connection.all('vnc_disconnect')).toMatchObject([{ stream_id: 1, error: { code: 'session_not_running' } }]);

    clearInterval(typing);
    expect((await connection.next('session_state')).session).toMatchObject({ spec: { id: 's-2' } });
    expect(hibernated()).toHaveLength(3);
  });

  it('tells the hub nothing when the platform refuses, and tries again', async () => {
    await begin({ SESSION_IDLE_TIMEOUT: '1s' });
    under.driver.fail = new Error('no');
    await until(() => hibernated().filter((call) => call.endsWith('s-1')).length >= 2, 'two tries');
    expect(connection.all('session_state')).toEqual([]);
    under.driver.fail = undefined;
    expect((await connection.next('session_state')).session.state).toBe('hibernated');
  });

  it('V2 [SES10] announces it before, puts it off when told that somebody stays, and announces on the next link what holds', async () => {
    await begin({ SESSION_IDLE_TIMEOUT: '4s' });
    const first = await connection.next('session_idle');
    expect(first).toMatchObject({ session_id: expect.stringMatching(/^s-/), sleeps_in_ms: 2_000 });
    expect(hibernated()).toEqual([]);
    connection.send({ type: 'session_used', session_id: 's-2' });
    await until(
      () =>
        connection
          .all('session_idle')
          .some(({ session_id: id, sleeps_in_ms: left }) => id === 's-2' && left === undefined),
      's-2 is put off',
    );
    connection.ws.close(1012);
    const second = await hub.connection(2);
    await second.next('sessions');
    const again = [await second.next('session_idle'), await second.next('session_idle')];
    expect(again.map(({ session_id }) => session_id).toSorted()).toEqual(['s-1', 's-3']);
    for (const { sleeps_in_ms: left } of again) expect(left).toBeLessThan(2_000);
    await until(() => hibernated().length === 2, 'two are hibernated');
    expect(hibernated().join()).not.toContain('s-2');
  });

  it('V2 [VER2] says none of it to a hub of version 2, and hibernates all the same', async () => {
    hub.script.hello = (hello) => ({ ...hub.welcome(Math.max(1, hello.term)), version: 2 }) as never;
    await begin({ SESSION_IDLE_TIMEOUT: '1s' });
    await until(() => hibernated().length === 3, 'all are hibernated');
    expect(connection.all('session_idle')).toEqual([]);
  });
});
