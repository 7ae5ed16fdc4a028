import { ERRORS } from '@streamspace/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { type ScriptedAgent, status } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

/** What the agent said before is stored: its messages are worked off in order. */
async function stored(agent: ScriptedAgent): Promise<void> {
  await hub.clock.advance(1);
  await agent.sync();
  await eventually('stored', async () => {
    const beat = (await hub.store.agents.get('a1'))?.last_heartbeat;
    return beat !== null && beat !== undefined && Date.parse(beat) >= hub.clock.now();
  });
}

test('[SES3] a hub that lost its store learns the sessions from the report', async () => {
  const agent = await hub.welcome({ region: 'eu' });
  agent.say({
    type: 'sessions',
    sessions: [status('s1', 'running'), status('s2', 'hibernated'), status('s3', 'failed', 'it crashed')].map((each) =>
      hub.proven(each),
    ),
  });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({
    state: 'running',
    user: 'ann',
    agent: 'a1',
    region: 'eu',
    created_at: '2030-01-01T00:00:00.000Z',
  });
  expect((await hub.session('s2')).state).toBe('hibernated');
  expect(await hub.session('s3')).toMatchObject({ state: 'failed', reason: 'it crashed' });
  expect((await hub.events()).filter(({ type }) => type === 'session.updated')).toHaveLength(3);
});

test('[SES3] what should run and is not reported has failed: gone from the platform; what is reported is what it is', async () => {
  const { agent: before } = await hub.running('s1');
  await hub.create({ id: 's2' });
  await before.serve();
  await hub.reaches('s2', 'running');
  before.ws.terminate();
  await hub.clock.advance(1_000);
  const agent = await hub.welcome();
  agent.say({ type: 'sessions', sessions: [status('s2', 'failed', 'out of memory')] });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'failed', reason: 'gone from the platform' });
  expect(await hub.session('s2')).toMatchObject({ state: 'failed', reason: 'out of memory' });
});

test('[SES3] a report in pages counts when its last page is there', async () => {
  const agent = await hub.welcome();
  agent.say({ type: 'sessions', sessions: [hub.proven(status('s1')), hub.proven(status('s2'))] });
  await stored(agent);
  agent.ws.terminate();
  await hub.clock.advance(1_000);
  const next = await hub.welcome();
  next.say({ type: 'sessions', sessions: [status('s1')], more: true });
  await stored(next);
  expect((await hub.session('s2')).state).toBe('running');
  next.say({ type: 'sessions', sessions: [hub.proven(status('s3'))] });
  await stored(next);
  expect((await hub.session('s1')).state).toBe('running');
  expect((await hub.session('s3')).state).toBe('running');
  expect(await hub.session('s2')).toMatchObject({ state: 'failed', reason: 'gone from the platform' });
});

test('[SES3] one with an open command is left to it, and one of another agent to that', async () => {
  await hub.welcome({ agent_id: 'a2' });
  await hub.create({ id: 's9', agent: 'a2' });
  await hub.create({ id: 's1' });
  await hub.clock.advance(1_000);
  const agent = await hub.welcome();
  agent.say({ type: 'sessions', sessions: [status('s9', 'failed', 'mine now')] });
  await stored(agent);
  expect((await hub.session('s1')).state).toBe('pending');
  expect(await hub.session('s9')).toMatchObject({ agent: 'a2', state: 'pending' });
});

test('[SES3] a report that is older than a change does not undo it', async () => {
  const agent = await hub.welcome();
  await hub.clock.advance(1_000);
  await hub.create({ id: 's1' });
  await agent.serve();
  await hub.reaches('s1', 'running');
  agent.say({ type: 'sessions', sessions: [] });
  await stored(agent);
  expect((await hub.session('s1')).state).toBe('running');
});

test('a crash is a failed session with its reason; a recovery a running one', async () => {
  const { agent } = await hub.running();
  agent.say({ type: 'session_state', session: status('s1', 'failed', 'Xvnc exited with 1') });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'failed', reason: 'Xvnc exited with 1' });
  agent.say({ type: 'session_state', session: status('s1', 'running') });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'running', reason: null });
  agent.say({ type: 'session_gone', session_id: 's1', reason: '' });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'failed', reason: 'gone from the platform' });
});

test('on the way of a command the agent may say where it is, but the result has the last word', async () => {
  const agent = await hub.welcome();
  await hub.create({ id: 's1' });
  const command = await agent.command();
  agent.say({ type: 'session_state', session: status('s1', 'starting', 'pulling the image') });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'starting', reason: 'pulling the image' });
  agent.done(command);
  await hub.reaches('s1', 'running');
  await hub.order('s1', 'delete_session');
  await agent.command();
  agent.say({ type: 'session_state', session: status('s1', 'running') });
  agent.say({ type: 'session_gone', session_id: 's1', reason: 'x' });
  await stored(agent);
  expect((await hub.session('s1')).state).toBe('deleting');
});

const timeout = {
  code: 'command_timeout',
  message: 'delete_session took longer than 300000 ms',
  retryable: true,
} as const;

test('K2 a delete that its agent gave up and finished later ends the session', async () => {
  const { agent } = await hub.running();
  await hub.order('s1', 'delete_session');
  agent.done(await agent.command(), { error: timeout });
  await hub.reaches('s1', 'failed');
  agent.say({ type: 'session_state', session: status('s1', 'failed', 'It is being deleted') });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'failed', reason: 'It is being deleted' });
  agent.say({ type: 'session_gone', session_id: 's1', reason: 'gone from the platform' });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ state: 'gone', reason: null });
});

test('K2 a full list ends what it lacks: gone where that was wished, failed where it was not, why it failed before is kept', async () => {
  const { agent } = await hub.running('s1');
  await hub.order('s1', 'delete_session');
  agent.done(await agent.command(), { error: timeout });
  await hub.reaches('s1', 'failed');
  await hub.create({ id: 's2' });
  agent.done(await agent.command());
  await hub.reaches('s2', 'running');
  await hub.order('s2', 'hibernate_session');
  agent.done(await agent.command());
  await hub.reaches('s2', 'hibernated');
  await hub.create({ id: 's3' });
  agent.done(await agent.command(), { error: { code: 'driver_failed', message: 'no such port', retryable: false } });
  await hub.reaches('s3', 'failed');
  await hub.clock.advance(1_000);
  await hub.list('a1');
  agent.done(await agent.command(), { sessions: [] });
  await hub.reaches('s1', 'gone');
  await hub.reaches('s2', 'failed');
  await stored(agent);
  expect(await hub.session('s2')).toMatchObject({ reason: 'gone from the platform' });
  expect(await hub.session('s3')).toMatchObject({ state: 'failed', reason: 'no such port' });
});

test('[CON6] what a superseded connection says of sessions has no effect', async () => {
  const { agent: old } = await hub.running();
  const get = hub.store.agents.get.bind(hub.store.agents);
  let release = (): void => {};
  hub.store.agents.get = async (id) => {
    hub.store.agents.get = get;
    await new Promise<void>((resolve) => (release = resolve));
    return get(id);
  };
  old.say({ type: 'session_state', session: status('s1', 'failed', 'says the old one') });
  old.say({ type: 'session_gone', session_id: 's1', reason: 'says the old one' });
  await hub.welcome({ term: 2, replica: 'r2' });
  release();
  await old.closed;
  await hub.clock.advance(1);
  expect((await hub.session('s1')).state).toBe('running');
});

test('list_sessions is a report too', async () => {
  const { agent } = await hub.running();
  await hub.clock.advance(1_000);
  await hub.list('a1');
  const command = await agent.command();
  agent.done(command, { sessions: [hub.proven(status('s5'))] });
  await hub.reaches('s5', 'running');
  await hub.reaches('s1', 'failed');
});

test('[CMD4] a list that the agent began with for an earlier attempt undoes nothing that came meanwhile', async () => {
  const agent = await hub.welcome();
  await hub.clock.advance(1_000);
  await hub.list('a1');
  await agent.command();
  await hub.clock.advance(1_000);
  await hub.create({ id: 's1' });
  await agent.serve();
  await hub.reaches('s1', 'running');
  agent.ws.terminate();
  await hub.clock.advance(1_000);
  const again = await hub.welcome();
  const asked = await again.command();
  expect(asked).toMatchObject({ action: 'list_sessions', attempt: 2 });
  again.done(asked, { sessions: [] });
  await stored(again);
  expect((await hub.session('s1')).state).toBe('running');
});

test('[SES3] every agent is asked what it runs when the store is back: what was said just before may be lost', async () => {
  await hub.stop();
  let back = (): void => {};
  hub = await TestHub.start((store) => ({ ...store, onReturn: (callback) => void (back = callback) }));
  const { agent } = await hub.running();
  const other = await hub.welcome({ agent_id: 'a2' });
  await hub.clock.advance(1_000);
  // as a store that has lost that it failed says
  agent.say({ type: 'session_state', session: status('s1', 'failed', 'out of memory') });
  await stored(agent);
  await hub.store.sessions.update('s1', { state: 'running', reason: null });
  await hub.clock.advance(1_000);
  back();
  const asked = await agent.command();
  expect(asked).toMatchObject({ action: 'list_sessions' });
  agent.done(asked, { sessions: [status('s1', 'failed', 'out of memory')] });
  await hub.reaches('s1', 'failed');
  await hub.clock.advance(10);
  expect(await other.command()).toMatchObject({ action: 'list_sessions' });
});

test('S3 an agent that says a time of 15,000 digits is told and closed; nothing of it is kept', async () => {
  const agent = await hub.welcome();
  const replica = { name: 'r', role: 'leader', since: `2026-01-02T03:04:05.${'0'.repeat(15_000)}Z` };
  const capacity = { cpu: 1, memory: 1, max_sessions: 1 };
  agent.ws.send(
    JSON.stringify({ type: 'heartbeat', seq: 1, status: 'online', capacity, active_sessions: 0, replicas: [replica] }),
  );
  expect((await agent.closed).code).toBe(ERRORS.malformed_frame.close);
  expect(JSON.stringify(await hub.store.agents.get('a1'))).not.toContain('0'.repeat(40));
});

test('S3 heartbeats as large as they may be, each another: what is kept, and what a timeline answers, stays bounded', async () => {
  const agent = await hub.welcome();
  const capacity = { cpu: 1, memory: 1, max_sessions: 1 };
  for (let beat = 1; beat <= 100; beat += 1) {
    const replicas = Array.from({ length: 64 }, (_, n) => ({
      name: `${beat}-${n}-`.padEnd(253, 'ÿ'),
      role: 'standby' as const,
      since: '2026-01-02T03:04:05.123456789Z',
    }));
    agent.say({ type: 'heartbeat', seq: beat, status: 'online', capacity, active_sessions: 0, replicas });
    await agent.sync();
  }
  await stored(agent);
  expect(JSON.stringify(await hub.store.events.since(0, { agent: 'a1' })).length).toBeLessThan(512 * 1024);
  expect(JSON.stringify(await hub.store.events.since(0)).length).toBeLessThan(8 * 1024 * 1024);
});

test('S3 a report whose pages never end is closed when it is too large, whatever its environments hold', async () => {
  const agent = await hub.welcome();
  const env = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`V${n}`, 'x'.repeat(30_000)]));
  for (let page = 0; page < 20; page += 1) {
    const { spec, ...rest } = status(`s${page}`);
    agent.say({ type: 'sessions', sessions: [{ ...rest, spec: { ...spec, env } }], more: true });
  }
  await agent.sync();
  expect(agent.ws.readyState).toBe(1);
  const reason = 'x'.repeat(4_000);
  for (let page = 0; page < 200; page += 1) {
    const sessions = Array.from({ length: 49 }, (_, n) => ({ ...status(`s${page}-${n}`, 'failed'), reason }));
    agent.say({ type: 'sessions', sessions, more: true });
  }
  expect((await agent.closed).code).toBe(ERRORS.message_too_large.close);
});

const spoof = (id: string, user: string) => {
  const { spec, ...rest } = status(id);
  return { ...rest, spec: { ...spec, user } };
};

test('S11 [SES6] a session that no hub made is ignored and logged, however an agent says it', async () => {
  const agent = await hub.welcome();
  agent.say({ type: 'sessions', sessions: [spoof('p1', 'bob'), hub.proven(status('s1'))] });
  agent.say({ type: 'session_state', session: spoof('p2', 'bob') });
  // signed for another user, for another agent, and with other contents
  const own = hub.proven(status('p3'));
  agent.say({ type: 'session_state', session: { ...own, spec: { ...own.spec, user: 'bob' } } });
  agent.say({ type: 'session_state', session: hub.proven(status('p4'), 'a2') });
  agent.say({ type: 'session_state', session: { ...own, spec: { ...own.spec, image: 'evil' } } });
  await hub.list('a1');
  agent.done(await agent.command(), { sessions: [spoof('p5', 'bob'), hub.proven(status('s1'))] });
  await stored(agent);
  expect((await hub.store.sessions.list({})).map(({ id, user }) => [id, user])).toEqual([['s1', 'ann']]);
  expect(JSON.stringify(await hub.events())).not.toContain('bob');
  const lines = hub.logged.filter(({ msg }) => msg === 'Sessions that no hub made ignored');
  expect(lines.map(({ fields }) => fields)).toContainEqual({ agent: 'a1', count: 1, sessions: ['p1'] });
});

test('S11 an agent that plants sessions without end fills no log', async () => {
  const agent = await hub.welcome();
  for (let n = 0; n < 200; n += 1) agent.say({ type: 'session_state', session: spoof(`p${n}`, 'bob') });
  await stored(agent);
  expect(hub.logged.filter(({ msg }) => msg === 'Sessions that no hub made ignored').length).toBeLessThan(10);
});

test('S11 [SES6] a session of an older version that the store knows gets a proof at its agent’s next list, and is learnt with it', async () => {
  const { agent, session } = await hub.running();
  await hub.clock.advance(1_000);
  const { spec, ...rest } = status('s1');
  const told = { ...rest, spec: { ...spec, created_at: session.created_at, env: { LANG: 'C' } } };
  await hub.list('a1');
  agent.done(await agent.command(), { sessions: [told] });
  const { session_id, proof } = await agent.hear('session_proof');
  expect(session_id).toBe('s1');
  expect(proof).toBe(hub.proven(told).spec.proof);
  await hub.store.sessions.remove('s1');
  agent.say({ type: 'session_state', session: { ...told, spec: { ...told.spec, proof } } });
  await stored(agent);
  expect(await hub.session('s1')).toMatchObject({ user: 'ann', state: 'running' });
});

test('S11 [SES6] no proof for what an agent has made of a session, nor for one of version 2, nor where it has one', async () => {
  const { agent, session } = await hub.running();
  await hub.clock.advance(1_000);
  const { spec, ...rest } = status('s1');
  const right = { ...rest, spec: { ...spec, created_at: session.created_at } };
  for (const change of [{ user: 'bob' }, { template: 'other' }, { cpu: 64 }])
    agent.say({ type: 'sessions', sessions: [{ ...right, spec: { ...right.spec, ...change } }] });
  agent.say({ type: 'sessions', sessions: [hub.proven(right)] });
  await stored(agent);
  expect(agent.heard.all.map(({ type }) => type)).not.toContain('session_proof');
  const older = await hub.welcome({ versions: [2], term: 2 });
  older.say({ type: 'sessions', sessions: [right] });
  await stored(older);
  expect(older.heard.all.map(({ type }) => type)).not.toContain('session_proof');
  expect(await hub.session('s1')).toMatchObject({ user: 'ann' });
});
