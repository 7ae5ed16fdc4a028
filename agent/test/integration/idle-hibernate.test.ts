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
});
