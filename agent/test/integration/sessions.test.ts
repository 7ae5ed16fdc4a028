import { type HubMessage, StreamSpaceError } from '@streamspace/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { FakeDriver, specOf } from '../support/driver.ts';
import { type Connection, ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let driver: FakeDriver;
let under: AgentUnderTest;
let connection: Connection;

const begin = async (env: Record<string, string> = {}) => {
  under = await startAgent({ url: hub.url, driver, env });
  connection = await hub.connection(1);
};

beforeEach(async () => {
  driver = new FakeDriver();
  driver.sessions.set('s-1', { spec: specOf('s-1'), state: 'running' });
  hub = await new ScriptedHub().listen();
});
afterEach(async () => {
  await under.stop();
  await hub.close();
});

describe('what the hub is told of sessions', () => {
  it('[SES3] the report comes before any result, and what happened meanwhile after it', async () => {
    const list = driver.list.bind(driver);
    let answer!: () => void;
    driver.list = async () => {
      const snapshot = await list();
      await new Promise<void>((resolve) => (answer = resolve));
      return snapshot;
    };
    await begin();
    connection.command('cmd-1', 'create_session', { session_id: 's-2', spec: specOf('s-2') });
    await until(() => driver.effects.get('cmd-1') === 1, 'the command to be done');
    driver.change('s-1', { spec: specOf('s-1'), state: 'failed', reason: 'crashed' });
    expect(connection.messages.map(({ type }) => type)).toEqual(['hello']);
    answer();
    await connection.next('heartbeat');
    expect(connection.messages.map(({ type }) => type)).toEqual([
      'hello',
      'sessions',
      'ack',
      'result',
      'session_state',
      'heartbeat',
    ]);
    expect(connection.all('sessions')[0]!.sessions.map(({ spec }) => spec.id)).toEqual(['s-1']);
  });

  it('[SES3] [WIRE4] 1,000 sessions are reported in pages, each within a control message', async () => {
    for (let n = 0; n < 1_000; n++)
      driver.sessions.set(`s-${n}`, {
        spec: { ...specOf(`s-${n}`), env: { FILL: 'x'.repeat(3_000) } },
        state: 'running',
      });
    await begin();
    await connection.next('heartbeat');
    const pages = connection.all('sessions');
    expect(pages.map(({ more }) => more)).toEqual([true, true, true, true, undefined]);
    expect(new Set(pages.flatMap(({ sessions }) => sessions.map(({ spec }) => spec.id))).size).toBe(1_000);
  });

  it('failure 12: heartbeats carry capacity and the number of active sessions', async () => {
    hub.heartbeatMs = 300;
    await begin({ MAX_SESSIONS: '7' });
    expect(connection.hello.capacity).toEqual({ cpu: 4, memory: 2 ** 33, max_sessions: 7 });
    expect(await connection.next('heartbeat')).toMatchObject({
      status: 'online',
      active_sessions: 1,
      capacity: { cpu: 4, max_sessions: 7 },
    });
    connection.command('cmd-1', 'create_session', { session_id: 's-2', spec: specOf('s-2') });
    await until(() => connection.all('heartbeat').at(-1)!.active_sessions === 2, 'two active sessions');
    connection.command('cmd-2', 'hibernate_session', { session_id: 's-1' });
    await until(() => connection.all('heartbeat').at(-1)!.active_sessions === 1, 'one that hibernates');
    connection.command('cmd-3', 'delete_session', { session_id: 's-2' });
    await until(() => connection.all('heartbeat').at(-1)!.active_sessions === 0, 'none');
  });

  it('S11 keeps a proof of the hub’s and says it from then on', async () => {
    await begin();
    await connection.next('sessions');
    const proof = 'p'.repeat(43);
    connection.send({ type: 'session_proof', session_id: 's-1', proof });
    connection.send({ type: 'session_proof', session_id: 's-none', proof });
    await until(() => driver.sessions.get('s-1')?.spec.proof === proof, 'a proof that is kept');
    connection.command('cmd-1', 'list_sessions');
    expect((await connection.next('result')).sessions).toEqual([
      { spec: { ...specOf('s-1'), proof }, state: 'running' },
    ]);
  });

  it.each([
    [3, 'home_of_another'],
    [2, 'driver_failed'],
  ] as const)('S10 [VER2] says a home of another to a hub of version %i as %s', async (version, code) => {
    driver.fail = new StreamSpaceError('home_of_another', 'it is somebody else’s');
    hub.script.hello = ({ term }) => ({ ...hub.welcome(term), version }) as HubMessage;
    await begin();
    connection.command('cmd-1', 'create_session', { session_id: 's-2', spec: specOf('s-2') });
    const { error } = await connection.next('result');
    expect(error).toMatchObject({ code, message: 'it is somebody else’s', retryable: false });
  });

  it('tells what changes by itself', async () => {
    await begin();
    await connection.next('sessions');
    driver.change('s-1', { spec: specOf('s-1'), state: 'failed', reason: 'crashed' });
    expect(await connection.next('session_state')).toMatchObject({ session: { state: 'failed', reason: 'crashed' } });
    driver.change('s-1', undefined);
    expect(await connection.next('session_gone')).toMatchObject({ session_id: 's-1' });
  });

  it('does not call gone what a command removes', async () => {
    await begin();
    await connection.next('sessions');
    const remove = driver.delete.bind(driver);
    driver.delete = async (id, options, operation) => {
      await remove(id, options, operation);
      driver.change(id, undefined);
    };
    connection.command('cmd-1', 'delete_session', { session_id: 's-1' });
    await connection.next('result');
    driver.change('s-1', undefined);
    connection.command('cmd-2', 'list_sessions');
    await connection.next('result');
    expect(connection.all('session_gone')).toEqual([]);
  });

  it('K2 says what became of a session whose command failed, behind the answer', async () => {
    await begin();
    await connection.next('sessions');
    driver.hibernate = async (id) => {
      driver.change(id, { spec: specOf(id), state: 'hibernated' });
      throw new StreamSpaceError('command_timeout', 'took longer');
    };
    connection.command('cmd-1', 'hibernate_session', { session_id: 's-1' });
    await until(() => connection.all('session_state').length === 2, 'two reports');
    expect(connection.messages.slice(-3)).toMatchObject([
      { type: 'session_state', session: { state: 'hibernated' } },
      { type: 'result', error: { code: 'command_timeout' } },
      { type: 'session_state', session: { state: 'hibernated', reason: 'took longer' } },
    ]);
    driver.wake = async (id) => {
      driver.change(id, undefined);
      throw new StreamSpaceError('not_found', 'not there');
    };
    connection.command('cmd-2', 'wake_session', { session_id: 's-1' });
    await connection.next('session_gone');
    expect(connection.messages.slice(-2).map(({ type }) => type)).toEqual(['result', 'session_gone']);
  });

  it('a platform that can’t be listed shows as an error, and is asked again', async () => {
    hub.heartbeatMs = 300;
    driver.listFails = new Error('no API server');
    await begin();
    await until(() => connection.all('heartbeat').some(({ status }) => status === 'error'), 'an error in a heartbeat');
    expect(connection.all('sessions')).toEqual([]);
    driver.listFails = undefined;
    await connection.next('sessions');
    await until(() => connection.all('heartbeat').at(-1)!.status === 'online', 'to be well again');
  });

  it('a watch that breaks is replaced', async () => {
    const watch = driver.watch.bind(driver);
    let broken = 0;
    driver.watch = (onChange, signal) => (broken++ < 2 ? Promise.reject(new Error('broken')) : watch(onChange, signal));
    await begin();
    await until(() => driver.watchers.size === 1, 'another watch');
    driver.change('s-1', { spec: specOf('s-1'), state: 'failed' });
    await connection.next('session_state');
  });
});

describe('servers', () => {
  it('serve health, readiness, leader and metrics by the names of the specification', async () => {
    await begin();
    await connection.next('heartbeat');
    await until(() => under.agent.view().lastHeartbeat, 'an answered heartbeat');
    const get = async (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const { health, metrics } = under.agent.ports;
    expect(await (await get(health, '/health')).json()).toEqual({
      status: 'ok',
      agent_id: 'agent-1',
      uptime: expect.any(Number),
    });
    expect(await (await get(health, '/ready')).json()).toEqual({
      status: 'ready',
      role: 'leader',
      control_plane_connected: true,
      last_heartbeat: expect.stringMatching(/^\d{4}-/),
      // S1
      session_isolation: 'isolated',
    });
    // HA is off: there is no lease, and nothing to tell of one
    expect(await (await get(health, '/leader')).json()).toEqual({
      is_leader: true,
      leader: 'replica-1',
      term: 1,
      lock: null,
      holder: null,
      since: null,
      renewed_at: null,
      last_loss: null,
      next_attempt_at: null,
      watching: null,
    });
    expect([
      (await get(health, '/nothing')).status,
      (await fetch(`http://127.0.0.1:${health}/health`, { method: 'POST' })).status,
    ]).toEqual([404, 405]);
    connection.command('cmd-1', 'list_sessions');
    await connection.next('result');
    const text = await (await get(metrics, '/metrics')).text();
    for (const name of [
      'sessions_active',
      'uptime_seconds',
      'heartbeat_last_success_timestamp',
      'vnc_tunnels_active',
      'command_duration_seconds',
      'is_leader',
      'leader_term',
      'election_duration_seconds',
      'failover_duration_seconds',
      'leader_transitions_total',
      'lease_renew_duration_seconds',
      'leadership_last_loss_timestamp',
    ]) {
      expect(text).toContain(`# TYPE streamspace_agent_${name} `);
    }
    expect(text).toContain('streamspace_agent_sessions_active 1');
    expect(text).toContain(
      'streamspace_agent_command_duration_seconds_count{action="list_sessions",outcome="completed"} 1',
    );
    expect(text).toMatch(/streamspace_agent_heartbeat_last_success_timestamp \d{10}/);
  });

  it('an agent whose hub is away is alive and not ready', async () => {
    hub.script.upgrade = () => ({ status: 503 });
    under = await startAgent({ url: hub.url, driver });
    await until(() => under.agent.ports.metrics > 0, 'the servers');
    const [health, ready] = await Promise.all(
      ['/health', '/ready'].map((path) => fetch(`http://127.0.0.1:${under.agent.ports.health}${path}`)),
    );
    expect([health!.status, ready!.status]).toEqual([200, 503]);
  });

  it('names the variable of a port that is in use', async () => {
    under = await startAgent({ url: hub.url, driver });
    await until(() => under.agent.ports.health > 0, 'the port');
    const other = await startAgent({ url: hub.url, env: { HEALTH_PORT: String(under.agent.ports.health) } });
    await expect(other.done).rejects.toThrow('set HEALTH_PORT to another one');
  });
});
