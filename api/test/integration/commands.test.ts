import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withoutProof } from '@streamspace/protocol';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { status } from '../support/scripted-agent.ts';

let hub: TestHub;
beforeEach(async () => {
  hub = await TestHub.start();
});
afterEach(() => hub.stop());

describe('delivery', () => {
  test('[CMD1] pending → sent → ack → completed, each with its event; the session runs', async () => {
    const agent = await hub.welcome();
    const { command } = await hub.create({ id: 's1' });
    const sent = await agent.command(false);
    expect(sent).toMatchObject({
      id: command.id,
      attempt: 1,
      action: 'create_session',
      session_id: 's1',
      spec: { id: 's1' },
    });
    await hub.commandReaches(command.id, 'sent');
    agent.say({ type: 'ack', command_id: sent.id, attempt: 1 });
    await hub.commandReaches(command.id, 'ack');
    agent.done(sent, { session: status('s1') });
    await hub.commandReaches(command.id, 'completed');
    expect((await hub.session('s1')).state).toBe('running');
    const changes = async () =>
      (await hub.events()).filter(({ type }) => type === 'command.updated' || type === 'session.updated');
    await eventually('events', async () => (await changes()).length === 4);
    expect((await changes()).map(({ type, data }) => `${type} ${String(data.state)}`)).toEqual([
      'command.updated sent',
      'command.updated ack',
      'command.updated completed',
      'session.updated running',
    ]);
  });

  test('[CMD1] a final state never changes', async () => {
    const agent = await hub.welcome();
    await hub.create({ id: 's1' });
    const command = await agent.serve();
    await hub.commandReaches(command.id, 'completed');
    agent.done(command, { error: { code: 'driver_failed', message: 'no', retryable: false } });
    agent.say({ type: 'ack', command_id: command.id, attempt: 1 });
    await agent.sync();
    await hub.create({ id: 's2' });
    await agent.serve();
    await hub.reaches('s2', 'running');
    expect((await hub.command(command.id)).state).toBe('completed');
    expect((await hub.session('s1')).state).toBe('running');
  });

  test('failure 11: [CMD7] a command for an agent that is away waits, and is delivered when the agent comes, without a restart', async () => {
    const first = await hub.welcome();
    first.say({ type: 'goodbye', reason: '' });
    await first.closed;
    const { command } = await hub.create({ id: 's1' });
    expect((await hub.command(command.id)).state).toBe('pending');
    const agent = await hub.welcome();
    await agent.serve();
    await hub.commandReaches(command.id, 'completed');
  });

  test('[CMD7] after its expires_at it fails as command_expired, and its session says so', async () => {
    const { command } = await hub.create({ id: 's1' });
    await hub.clock.advance(299_000);
    expect((await hub.command(command.id)).state).toBe('pending');
    await hub.clock.advance(7_000);
    expect(await hub.command(command.id)).toMatchObject({
      state: 'failed',
      error: { code: 'command_expired', retryable: true },
    });
    expect(await hub.session('s1')).toMatchObject({ state: 'failed', reason: expect.stringContaining('try again') });
    const late = await hub.welcome();
    await late.sync();
    expect(late.heard.all.map(({ type }) => type)).not.toContain('command');
  });

  test('[CMD3] what is not final is sent again on the next connection, with the next attempt', async () => {
    const first = await hub.welcome();
    await hub.create({ id: 's1' });
    await hub.create({ id: 's2' });
    await first.command(true);
    await first.command(false);
    first.ws.terminate();
    const second = await hub.welcome();
    const again = [await second.command(), await second.command()];
    expect(again.map(({ id, attempt }) => [id, attempt])).toEqual([
      ['c-s1', 2],
      ['c-s2', 2],
    ]);
    for (const command of again) second.done(command);
    await hub.commandReaches('c-s1', 'completed');
    await hub.commandReaches('c-s2', 'completed');
  });

  test('[CMD3] acks and results of an older attempt, or of another connection, change nothing', async () => {
    const first = await hub.welcome({ term: 1 });
    await hub.create({ id: 's1' });
    const old = await first.command();
    await hub.commandReaches(old.id, 'ack');
    const second = await hub.welcome({ term: 2 });
    const current = await second.command(false);
    expect(current.attempt).toBe(2);
    second.say({ type: 'ack', command_id: old.id, attempt: 1 });
    second.done(old);
    await second.sync();
    await eventually('the queue is empty', async () => (await hub.store.agents.get('a1'))?.last_heartbeat);
    expect((await hub.command(old.id)).state).toBe('sent');
    second.done(current);
    await hub.commandReaches(old.id, 'completed');
  });

  test('[CMD5] commands of one session go one after the other, those of different sessions side by side', async () => {
    const agent = await hub.welcome();
    await hub.create({ id: 's1' });
    await agent.serve();
    await hub.reaches('s1', 'running');
    await hub.order('s1', 'hibernate_session');
    await hub.order('s1', 'delete_session');
    await hub.create({ id: 's2' });
    const hibernate = await agent.command();
    const create2 = await agent.command();
    expect([hibernate.session_id, create2.session_id]).toEqual(['s1', 's2']);
    await agent.sync();
    expect(agent.heard.all.map(({ type }) => type)).not.toContain('command');
    agent.done(hibernate);
    const remove = await agent.command();
    expect(remove).toMatchObject({ action: 'delete_session', session_id: 's1' });
    // the end of the other does not undo the delete that was accepted meanwhile
    expect((await hub.session('s1')).state).toBe('deleting');
    agent.done(remove);
    await hub.reaches('s1', 'gone');
  });

  test('K4 a delete goes out while its session’s create is with the agent, behind it, and what the agent says of that one ends nothing', async () => {
    const agent = await hub.welcome();
    await hub.create({ id: 's1' });
    const create = await agent.command();
    await hub.order('s1', 'delete_session');
    const remove = await agent.command();
    expect(remove).toMatchObject({ action: 'delete_session', session_id: 's1' });
    const error = { code: 'command_aborted', message: 'The session is to be deleted', retryable: true } as const;
    agent.say({ type: 'result', command_id: create.id, attempt: create.attempt, error });
    await hub.commandReaches(create.id, 'failed');
    expect((await hub.session('s1')).state).toBe('deleting');
    agent.done(remove);
    await hub.reaches('s1', 'gone');
    // both accepted while the agent was away: whoever had the create before may have carried out both, so only the delete goes out
    agent.ws.close();
    await eventually('gone', async () => (await hub.store.agents.get('a1'))?.connected === false);
    await hub.create({ id: 's2' });
    const { id: pointless } = (await hub.store.commands.open('a1')).at(-1)!;
    await hub.order('s2', 'delete_session');
    const again = await hub.welcome({ term: 9 });
    expect(await again.command()).toMatchObject({ action: 'delete_session', session_id: 's2' });
    await hub.commandReaches(pointless, 'failed');
    expect((await hub.store.commands.get(pointless))?.error?.code).toBe('command_aborted');
  });

  test('[CMD5] at most 64 commands are with an agent; the others follow as it is done with them', async () => {
    const agent = await hub.welcome();
    for (let n = 0; n < 80; n++) await hub.create({ id: `s${n}` });
    const first = [];
    for (let n = 0; n < 64; n++) first.push(await agent.command());
    await agent.sync();
    expect(agent.heard.all.map(({ type }) => type)).not.toContain('command');
    for (const command of first) agent.done(command);
    for (let n = 64; n < 80; n++) await agent.serve();
    await hub.reaches('s79', 'running');
  });

  test('failure 1: many commands at once are one frame each, in the order of acceptance', async () => {
    const agent = await hub.agent();
    for (let n = 0; n < 50; n++) await hub.create({ id: `s${n}` });
    // a frame that is not exactly one JSON object would throw in the agent
    await agent.hello();
    const ids = [];
    for (let n = 0; n < 50; n++) ids.push((await agent.command(false)).session_id);
    expect(ids).toEqual(Array.from({ length: 50 }, (_, n) => `s${n}`));
  });

  test('failure 2: a store that hangs on one result blocks neither heartbeats, nor screens, nor other agents', async () => {
    const { agent } = await hub.running();
    const { viewer, id } = await hub.screen(agent);
    await hub.create({ id: 's2' });
    const slow = await agent.command();
    await hub.commandReaches(slow.id, 'ack');
    const finish = hub.store.commands.finish.bind(hub.store.commands);
    let release = (): void => {};
    hub.store.commands.finish = async (...args) => {
      if (args[0] === slow.id) await new Promise<void>((resolve) => (release = resolve));
      return finish(...args);
    };
    agent.done(slow);
    await agent.sync();
    viewer.ws.send(Buffer.from('key'));
    expect(await agent.frames.next()).toMatchObject({ kind: 'data', streamId: id });
    const other = await hub.welcome({ agent_id: 'a2' });
    await hub.create({ id: 's3', agent: 'a2' });
    await other.serve();
    await hub.reaches('s3', 'running');
    release();
    await hub.reaches('s2', 'running');
  });

  test('S11 [VER2] an agent is told the hub’s proof with each spec; one of version 2 is not', async () => {
    const newer = await hub.welcome();
    await hub.create({ id: 's1' });
    const { spec, trace_id } = await newer.serve();
    expect(trace_id).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(spec).toEqual(hub.proven({ spec: withoutProof(spec!), state: 'running' }).spec);
    const older = await hub.welcome({ versions: [2], term: 2 });
    await hub.create({ id: 's2' });
    expect((await older.serve()).spec).not.toHaveProperty('proof');
  });

  test('a store that is away, for a moment or for ten minutes, costs neither a result nor the link', async () => {
    const { StreamSpaceError } = await import('@streamspace/protocol');
    const agent = await hub.welcome();
    await hub.create({ id: 's1' });
    const { commands, agents } = hub.store;
    const [finish, heartbeat] = [commands.finish.bind(commands), agents.heartbeat.bind(agents)];
    let failures = 2;
    const orFail = () => {
      if (failures-- > 0) throw new StreamSpaceError('store_unavailable', 'no store');
    };
    commands.finish = async (...args) => (orFail(), finish(...args));
    agents.heartbeat = async (...args) => (orFail(), heartbeat(...args));
    const first = await agent.serve();
    await eventually('tried once', () => failures < 2);
    await hub.clock.advance(1_000);
    await hub.commandReaches(first.id, 'completed');
    failures = Number.POSITIVE_INFINITY;
    await hub.create({ id: 's2' });
    const second = await agent.serve();
    await hub.commandReaches(second.id, 'ack');
    for (let minute = 0; minute < 40; minute += 1) {
      await agent.sync();
      await hub.clock.advance(15_000);
    }
    expect(hub.gateway.counts.links).toBe(1);
    failures = 0;
    await hub.clock.advance(5_000);
    await hub.commandReaches(second.id, 'completed');
    expect(hub.gateway.counts.links).toBe(1);
  });
});

describe('what a command does to its session', () => {
  const failure = { code: 'driver_failed', message: 'no room for it', retryable: false } as const;

  test.each([
    ['hibernate_session', undefined, 'hibernated'],
    ['delete_session', undefined, 'gone'],
    ['hibernate_session', failure, 'running'],
    ['delete_session', failure, 'failed'],
  ] as const)('[SES1] %s, error %j: %s', async (action, error, state) => {
    const { agent } = await hub.running();
    await hub.order('s1', action);
    const command = await agent.command();
    agent.done(command, error && { error });
    await hub.commandReaches(command.id, error === undefined ? 'completed' : 'failed');
    expect(await hub.session('s1')).toMatchObject({ state, reason: error?.message ?? null });
  });

  test('[SES1] wake runs it again; a failed wake leaves it hibernated; what the agent says of it counts', async () => {
    const { agent } = await hub.running();
    await hub.order('s1', 'hibernate_session');
    await agent.serve();
    await hub.reaches('s1', 'hibernated');
    await hub.order('s1', 'wake_session');
    agent.done(await agent.command(), { error: failure });
    await hub.reaches('s1', 'hibernated');
    await hub.order('s1', 'wake_session');
    agent.done(await agent.command(), { session: status('s1', 'running') });
    await hub.reaches('s1', 'running');
    await hub.order('s1', 'delete_session');
    agent.done(await agent.command(), { error: failure, session: status('s1', 'running') });
    await hub.reaches('s1', 'running');
  });

  test('[SES1] a failed create is a failed session with the reason', async () => {
    const agent = await hub.welcome();
    await hub.create({ id: 's1' });
    agent.done(await agent.command(), {
      error: { ...failure, code: 'disk_full', message: 'the disk is full', retryable: true },
    });
    await hub.reaches('s1', 'failed');
    expect((await hub.session('s1')).reason).toBe('the disk is full');
    expect((await hub.command('c-s1')).error).toEqual({
      code: 'disk_full',
      message: 'the disk is full',
      retryable: true,
    });
  });

  test('a session that is gone says so, and is removed a minute later', async () => {
    const { agent } = await hub.running();
    await hub.order('s1', 'delete_session');
    await agent.serve();
    await hub.reaches('s1', 'gone');
    await eventually('an event says so', async () => (await hub.events()).some(({ type }) => type === 'session.gone'));
    await hub.clock.advance(59_000);
    expect((await hub.session('s1')).state).toBe('gone');
    await hub.clock.advance(12_000);
    expect(await hub.store.sessions.get('s1')).toBeUndefined();
  });
});
