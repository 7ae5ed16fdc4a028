import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubMessage } from '@streamspace/protocol';
import { MemoryLease } from 'lease-elector/memory/index';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgentUnderTest, startAgent, type StartOptions } from '../support/agent.ts';
import { specOf } from '../support/driver.ts';
import { ScriptedHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

let hub: ScriptedHub;
let agents: AgentUnderTest[];
const start = async (options: Partial<StartOptions> = {}) => {
  const under = await startAgent({ ...options, url: options.url ?? hub.url });
  agents.push(under);
  return under;
};
const logged = (under: AgentUnderTest, msg: string) => under.logs.filter((line) => line.msg === msg);
const refuse = (code: 'stale_term' | 'duplicate_agent' | 'superseded', more: object = {}): HubMessage => ({
  type: 'refuse',
  error: { code, message: 'no', retryable: true },
  remedy: 'turn ENABLE_HA on',
  ...more,
});

beforeEach(async () => {
  agents = [];
  hub = await new ScriptedHub().listen();
});
afterEach(async () => {
  await Promise.all(agents.map((under) => under.stop()));
  await hub.close();
});

describe('reconnecting', () => {
  it('comes again after the hub dropped it, and reports its sessions again', async () => {
    await start();
    (await hub.connection(1)).ws.terminate();
    const again = await hub.connection(2);
    await again.next('sessions');
  });

  it('waits for a hub that is not there yet', async () => {
    const { port, url } = hub;
    await hub.close();
    const under = await start({ url });
    await until(() => logged(under, 'Not connected').length > 0, 'a try');
    hub = await new ScriptedHub().listen(port);
    await hub.connection(1);
    // K9: one line when it began, one when it ended, however many tries there were
    const [over] = await until(() => logged(under, 'An outage is over'), 'the end of the outage');
    expect(over).toMatchObject({ outage: 'Not connected', failures: expect.any(Number) });
    expect(logged(under, 'Not connected')).toHaveLength(1);
  });

  it('failure 14: a hub that refuses after the welcome is not stormed', async () => {
    // random() = 1: the delays are the ceilings themselves
    hub.script.hello = (_hello, connection) => {
      connection.send(hub.welcome(1));
      setImmediate(() => connection.ws.close(4432, 'superseded'));
      return undefined;
    };
    const under = await start({ random: () => 0.999, env: { RECONNECT_DELAY: '10ms', MAX_RECONNECT_DELAY: '10s' } });
    const lines = await until(
      () => logged(under, 'Connecting again').length >= 5 && logged(under, 'Connecting again'),
      'five losses',
    );
    // doubling although each was welcome
    expect(lines.slice(0, 5).map((line) => line['retry_in_ms'])).toEqual([10, 20, 40, 80, 160]);
  });

  it('failure 14: a stale term is answered by a greater one, at once', async () => {
    const lease = new MemoryLease('agent-1', systemClock);
    hub.script.hello = (hello) => (hello.term > 41 ? hub.welcome(hello.term) : refuse('stale_term', { term: 41 }));
    // a backoff of minutes must not matter
    const under = await start({
      lock: lease.lock(),
      env: { RECONNECT_DELAY: '2m', MAX_RECONNECT_DELAY: '2m' },
      random: () => 0.999,
    });
    const connection = await hub.connection(2);
    expect(connection.hello.term).toBe(42);
    expect(connection.hello.election).toMatchObject({ term: 42, reason: 'created' });
    expect(lease.state?.record.term).toBe(42);
    expect(under.elector?.leading?.term).toBe(42);
  });

  it('a leader that an older claim superseded, because that came late, claims again with a greater term', async () => {
    const lease = new MemoryLease('agent-1', systemClock);
    let accepted = 0;
    hub.script.hello = (hello) => {
      if (hello.term <= accepted) return refuse('stale_term', { term: accepted });
      accepted = hello.term;
      return hub.welcome(hello.term);
    };
    const under = await start({ lock: lease.lock(), env: { RECONNECT_DELAY: '10ms', MAX_RECONNECT_DELAY: '100ms' } });
    const first = await hub.connection(1);
    await first.next('sessions');
    // a term that this lease never had: it was deleted meanwhile, and another replica's claim was still on its way
    accepted = 6;
    first.ws.close(4432, 'superseded');
    expect((await hub.connection(3)).hello.term).toBe(7);
    expect(under.elector?.leading?.term).toBe(7);
  });

  it('[CON4] waits as long as a refusal asks for, and says the remedy', async () => {
    let refused = 0;
    hub.script.hello = () => (refused++ === 0 ? refuse('duplicate_agent', { retry_after_ms: 300 }) : hub.welcome(1));
    const under = await start();
    const [first, second] = [await hub.connection(1), await hub.connection(2)];
    expect(first.closed).toBeDefined();
    expect(second.hello.term).toBe(0);
    const [line] = logged(under, 'Not connected');
    expect(line).toMatchObject({ code: 'duplicate_agent', remedy: 'turn ENABLE_HA on' });
    expect(line!['retry_in_ms']).toBeGreaterThanOrEqual(300);
  });

  it.each([429, 503])('honours Retry-After of an upgrade answered %d', async (status) => {
    hub.script.upgrade = () => (hub.upgrades === 1 ? { status, headers: { 'retry-after': '1' } } : undefined);
    const under = await start();
    await hub.connection(1);
    expect(logged(under, 'Not connected')[0]!['retry_in_ms']).toBeGreaterThanOrEqual(1000);
  });

  it('[WIRE5] failure 8: a mute hub ends the link, even while TCP is well', async () => {
    hub.heartbeatMs = 100;
    const under = await start();
    const first = await hub.connection(1);
    first.acksBeats = false;
    await hub.connection(2);
    expect(logged(under, 'Connection lost')[0]).toMatchObject({ code: 'heartbeat_lost' });
  });

  it('failure 8: a write error ends the whole connection', async () => {
    const under = await start();
    const first = await hub.connection(1);
    await first.next('heartbeat');
    // a reset: the agent's next write fails
    (first.ws as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy();
    await hub.connection(2);
    expect(logged(under, 'Connection lost')).toHaveLength(1);
  });

  it('[CON8] go_away: the new connection first, then the old one is closed; a command runs through', async () => {
    const under = await start();
    let open!: () => void;
    under.driver.gate = new Promise((resolve) => (open = resolve));
    const first = await hub.connection(1);
    first.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await first.next('ack');
    let overlapped = false;
    hub.script.hello = (hello) => {
      overlapped = first.closed === undefined;
      return hub.welcome(hello.term + 1);
    };
    first.send({ type: 'go_away', reason: 'rolling', reconnect_after_ms: 10 });
    const second = await hub.connection(2);
    await second.next('sessions');
    await until(() => first.closed, 'the old one to close');
    expect(overlapped).toBe(true);
    // the same command again, by the new way: joined, answered once
    second.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') }, 2);
    await second.next('ack');
    open();
    expect(await second.next('result')).toMatchObject({ attempt: 2, session: { state: 'running' } });
    expect(under.driver.effects.get('cmd-1')).toBe(1);
    expect(first.all('result')).toEqual([]);
    expect(under.agent.view().connected).toBe(true);
  });

  it('[CON8] goes on with the old connection for as long as no new one can be had', async () => {
    await start();
    const first = await hub.connection(1);
    hub.script.upgrade = () => (hub.upgrades < 4 ? { status: 503 } : undefined);
    first.send({ type: 'go_away', reason: 'rolling', reconnect_after_ms: 0 });
    first.send({ type: 'go_away', reason: 'told twice', reconnect_after_ms: 0 });
    await until(() => hub.upgrades >= 3, 'some tries');
    first.command('cmd-1', 'list_sessions');
    await first.next('result');
    await (await hub.connection(2)).next('sessions');
    expect(hub.connections).toHaveLength(2);
  });

  it('[CON7] a graceful stop finishes what runs, says goodbye and stays away', async () => {
    const under = await start({ env: { RECONNECT_DELAY: '1ms' } });
    let open!: () => void;
    under.driver.gate = new Promise((resolve) => (open = resolve));
    const connection = await hub.connection(1);
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await connection.next('ack');
    const stopped = under.stop();
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await stopped;
    await until(() => connection.closed, 'the close');
    expect(connection.messages.slice(-2).map(({ type }) => type)).toEqual(['result', 'goodbye']);
    expect(hub.connections).toHaveLength(1);
    agents = [];
  });

  it('aborts at a stop what outlives GRACEFUL_SHUTDOWN_TIMEOUT', async () => {
    const under = await start({ env: { GRACEFUL_SHUTDOWN_TIMEOUT: '50ms' } });
    under.driver.gate = new Promise(() => undefined);
    const connection = await hub.connection(1);
    connection.command('cmd-1', 'create_session', { session_id: 's-1', spec: specOf('s-1') });
    await connection.next('ack');
    await under.stop();
    expect(under.driver.signals[0]!.aborted).toBe(true);
    expect(connection.all('result')).toEqual([]);
    agents = [];
  });
});

describe('credentials on the way', () => {
  const enrolment = `sse_${'e'.repeat(40)}`;

  it('[AUTH3] enrols with an enrolment token and connects with the credential', async () => {
    await start({ env: { AGENT_TOKEN: enrolment } });
    const connection = await hub.connection(1);
    expect(connection.authorization).toBe(`Bearer ssa_${'c'.repeat(40)}`);
    expect(hub.enrolments).toEqual([{ token: enrolment, body: { agent_id: 'agent-1', replica: expect.any(String) } }]);
  });

  it('enrols again when the hub answers 401', async () => {
    const valid = new Set<string>();
    hub.script.upgrade = (request) => (valid.has(request.headers.authorization!) ? undefined : { status: 401 });
    hub.script.enrol = () => {
      const credential = `ssa_${String(hub.enrolments.length).repeat(40)}`;
      valid.clear();
      valid.add(`Bearer ${credential}`);
      return { status: 201, body: { credential } };
    };
    await start({ env: { AGENT_TOKEN: enrolment } });
    const first = await hub.connection(1);
    valid.clear();
    first.ws.terminate();
    const second = await hub.connection(2);
    expect(second.authorization).toBe(`Bearer ssa_${'2'.repeat(40)}`);
  });

  it.each([
    [{ status: 429, body: {}, headers: { 'retry-after': '1' } }, 'rate_limited', 1000],
    [
      { status: 409, body: { error: { code: 'conflict', message: 'enrolled before', retryable: false } } },
      'conflict',
      0,
    ],
    [{ status: 200, body: { nothing: true } }, 'malformed_frame', 0],
  ])('an enrolment answered %j is %s', async (answer, code, wait) => {
    hub.script.enrol = () =>
      hub.enrolments.length === 1 ? answer : { status: 201, body: { credential: `ssa_${'x'.repeat(40)}` } };
    const under = await start({ env: { AGENT_TOKEN: enrolment } });
    await hub.connection(1);
    const [line] = logged(under, 'Not connected');
    expect(line).toMatchObject({ code });
    expect(line!['retry_in_ms']).toBeGreaterThanOrEqual(wait);
  });

  it('[AUTH5] rotates without a disconnect, and uses the new one next time', async () => {
    await start();
    const first = await hub.connection(1);
    const token = `ssa_${'r'.repeat(40)}`;
    first.send({ type: 'credential', rotation_id: 'rot-1', token });
    expect(await first.next('credential_stored')).toEqual({ type: 'credential_stored', rotation_id: 'rot-1' });
    first.command('cmd-1', 'list_sessions');
    await first.next('result');
    expect([first.closed, hub.connections.length]).toEqual([undefined, 1]);
    first.ws.terminate();
    expect((await hub.connection(2)).authorization).toBe(`Bearer ${token}`);
  });

  it('[AUTH5] a credential that can’t be stored is not acknowledged', async () => {
    const under = await start();
    const first = await hub.connection(1);
    // a file where the folder should be
    await writeFile(join(under.stateDir, 'agents'), '');
    first.send({ type: 'credential', rotation_id: 'rot-1', token: `ssa_${'r'.repeat(40)}` });
    await until(() => logged(under, 'Credential could not be stored').length === 1, 'the failure');
    first.command('cmd-1', 'list_sessions');
    await first.next('result');
    expect(first.all('credential_stored')).toEqual([]);
  });
});
