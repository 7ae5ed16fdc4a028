import { systemClock } from 'clock-port';
import type { Lock } from 'lease-elector';
import { MemoryLease } from 'lease-elector/memory/index';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent } from '../support/agent.ts';
import { FakeDriver, specOf } from '../support/driver.ts';
import { ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let lease: MemoryLease;
let agents: AgentUnderTest[];
const driver = () => new FakeDriver();
const start = async (
  name: string,
  lock: Lock = lease.lock(),
  shared?: FakeDriver,
  env: Record<string, string> = {},
) => {
  const under = await startAgent({ url: hub.url, lock, name, env, ...(shared && { driver: shared }) });
  agents.push(under);
  return under;
};
const probe = async (under: AgentUnderTest, path: string) => {
  const response = await fetch(`http://127.0.0.1:${under.agent.ports.health}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

beforeEach(async () => {
  agents = [];
  lease = new MemoryLease('agent-1', systemClock);
  hub = await new ScriptedHub().listen();
});
afterEach(async () => {
  await Promise.all(agents.map((under) => under.stop()));
  await hub.close();
});

describe('leadership', () => {
  it('only the leader connects, with its term and all replicas; standbys are ready', async () => {
    const first = await start('r1');
    const connection = await hub.connection(1);
    const [second, third] = [await start('r2'), await start('r3')];
    await until(() => (connection.all('heartbeat').at(-1)?.replicas.length ?? 0) === 3, 'three replicas');
    expect(connection.hello).toMatchObject({
      replica: 'r1',
      term: 1,
      election: { reason: 'created', previous_holder: '' },
    });
    expect(
      connection
        .all('heartbeat')
        .at(-1)!
        .replicas.map(({ name, role }) => `${name} ${role}`)
        .sort(),
    ).toEqual(['r1 leader', 'r2 standby', 'r3 standby']);
    expect(hub.connections).toHaveLength(1);
    expect((await probe(second, '/leader')).body).toMatchObject({
      is_leader: false,
      leader: 'r1',
      term: 1,
      lock: 'agent-1',
      since: expect.stringMatching(/^\d{4}-/),
      last_loss: null,
    });
    expect(await probe(first, '/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', role: 'leader', control_plane_connected: true },
    });
    for (const standby of [second, third]) {
      expect(await probe(standby, '/ready')).toMatchObject({
        status: 200,
        body: { status: 'ready', role: 'standby', control_plane_connected: false, last_heartbeat: null },
      });
      expect(await probe(standby, '/leader')).toMatchObject({ body: { is_leader: false, leader: 'r1', term: 1 } });
    }
  });

  it('I7 a stopping leader finishes its commands, says goodbye, and then releases the lease', async () => {
    const shared = driver();
    const first = await start('r1', lease.lock(), shared);
    const connection = await hub.connection(1);
    const second = await start('r2', lease.lock(), shared);
    let open!: () => void;
    shared.gate = new Promise((resolve) => (open = resolve));
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await connection.next('ack');
    const before = lease.state?.record.renewedAt;
    const stopped = first.stop();
    await until(() => lease.state?.record.renewedAt !== before, 'it renews while it stops');
    expect([hub.connections.length, lease.state?.record.holder.startsWith('r1')]).toEqual([1, true]);
    open();
    const next = await hub.connection(2);
    await stopped;
    expect(connection.messages.slice(-2).map(({ type }) => type)).toEqual(['result', 'goodbye']);
    expect(next.hello).toMatchObject({ replica: 'r2', term: 2, election: { reason: 'released' } });
    expect((await next.next('sessions')).sessions).toMatchObject([{ spec: { id: 's-1' } }]);
    agents = [second];
  });

  it('I7 a stopping leader leaves to a standby what takes long: nobody waits for it', async () => {
    const shared = driver();
    const first = await start('r1', lease.lock(), shared);
    const connection = await hub.connection(1);
    const second = await start('r2', lease.lock(), shared);
    await until(() => (connection.all('heartbeat').at(-1)?.replicas.length ?? 0) === 2, 'two replicas');
    shared.gate = new Promise(() => undefined);
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await connection.next('ack');
    const stopped = first.stop();
    const next = await hub.connection(2);
    shared.gate = undefined;
    await stopped;
    expect(connection.messages.at(-1)!.type).toBe('goodbye');
    expect(connection.all('result')).toEqual([]);
    next.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') }, 2);
    expect(await next.next('result')).toMatchObject({ attempt: 2, session: { state: 'running' } });
    expect(shared.effects.get('cmd-1')).toBe(1);
    agents = [second];
  });

  it('losing the lead aborts what runs, without an answer, and ends nothing', async () => {
    const under = await start('r1');
    const connection = await hub.connection(1);
    under.driver.gate = new Promise(() => undefined);
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await connection.next('ack');
    lease.delete();
    await until(() => connection.closed, 'the link to close');
    expect(under.driver.signals[0]!.aborted).toBe(true);
    expect(connection.all('result')).toEqual([]);
    // redelivered to whoever leads now
    under.driver.gate = undefined;
    const next = await hub.connection(2);
    expect(next.hello.term).toBeGreaterThan(connection.hello.term);
    next.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') }, 2);
    expect(await next.next('result')).toMatchObject({ attempt: 2, session: { state: 'running' } });
    expect(under.driver.effects.get('cmd-1')).toBe(1);
  });

  it('failure 9: loses and regains the lead 20 times, and leaves nothing behind', async () => {
    const { calls, clock } = countingClock();
    const under = await startAgent({
      url: hub.url,
      lock: lease.lock(),
      name: 'r1',
      clock,
      env: { RECONNECT_DELAY: '1ms' },
    });
    agents.push(under);
    under.driver.sessions.set('s-1', { spec: specOf('s-1'), state: 'running' });
    const measure = async (n: number) => {
      const connection = await hub.connection(n);
      await connection.next('heartbeat');
      connection.send({ type: 'vnc_connect', stream_id: 1, session_id: 's-1', credit: 1000 });
      await connection.next('vnc_connected');
      await until(() => hub.sockets === 1 && under.driver.sockets.size === 1, 'one socket each');
      return {
        timers: calls.live,
        watchers: under.driver.watchers.size,
        sockets: hub.sockets,
        screens: under.driver.screens,
      };
    };
    const before = await measure(1);
    for (let n = 1; n <= 20; n++) {
      lease.delete();
      await hub.connection(n + 1);
      await until(() => hub.connections[n - 1]!.closed, 'the old link to close');
    }
    const after = await measure(21);
    expect(after.watchers).toBe(before.watchers);
    expect(after.screens).toBe(1);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 2);
    expect((await probe(under, '/health')).status).toBe(200);
    const metrics = await (await fetch(`http://127.0.0.1:${under.agent.ports.metrics}/metrics`)).text();
    expect(metrics).toContain('streamspace_agent_leader_transitions_total{to="leader"} 21');
    expect(metrics).toContain('streamspace_agent_is_leader 1');
    await under.stop();
    agents = [];
    expect(calls.live).toBe(0);
    expect([under.driver.watchers.size, under.driver.screens]).toEqual([0, 0]);
    await until(() => hub.sockets === 0, 'the last socket to close');
  });

  it('a lock that does not answer costs nothing while the hub accepts the term (I2)', async () => {
    const inner = lease.lock();
    let broken = false;
    const lock: Lock = {
      ...inner,
      update: (...args) => (broken ? Promise.reject(new Error('no answer')) : inner.update(...args)),
    };
    const under = await start('r1', lock);
    const connection = await hub.connection(1);
    broken = true;
    const beats = connection.all('heartbeat').length;
    // longer than the lease (1.5 s) lasts
    await until(() => connection.all('heartbeat').length > beats + 3, 'three seconds of heartbeats');
    expect([connection.closed, hub.connections.length]).toEqual([undefined, 1]);
    expect(under.logs.some(({ msg }) => msg === 'Lock failed; going on')).toBe(true);
  });
});

function countingClock() {
  const calls = { live: 0 };
  const clock: typeof systemClock = {
    ...systemClock,
    setTimeout(fn, ms) {
      calls.live++;
      let over = false;
      const end = () => {
        if (!over) calls.live--;
        over = true;
      };
      const timer = systemClock.setTimeout(() => {
        end();
        fn();
      }, ms);
      return {
        cancel() {
          end();
          timer.cancel();
        },
      };
    },
  };
  return { calls, clock };
}
