import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dataFrame, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { signPeer } from '../../src/peers/credential.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import { TestHub } from '../support/hub.ts';
import { eventually } from '../support/inbox.ts';
import { claim, hello } from '../support/records.ts';
import { opened, type RefusedUpgrade, type ScriptedAgent, status } from '../support/scripted-agent.ts';

/** Three replicas of the hub on one store; agents are at the first, everybody else elsewhere. */
let holder: TestHub;
let other: TestHub;
let third: TestHub;

beforeEach(async () => {
  holder = await TestHub.start();
  other = await TestHub.start(undefined, holder);
  third = await TestHub.start(undefined, holder);
});
afterEach(async () => {
  await Promise.all([holder.stop(), other.stop(), third.stop()]);
  await eventually('no timer left', () => holder.clock.pending === 0);
});

/** A screen through the other replica. */
async function farScreen(agent: ScriptedAgent, credit: number = LIMITS.initialCredit) {
  const viewer = await other.viewer('s1');
  const { stream_id: id } = await agent.hear('vnc_connect');
  agent.say({ type: 'vnc_connected', stream_id: id, credit });
  await eventually('relayed', () => other.gateway.counts.viewers === 1 && holder.gateway.counts.streams >= 1);
  return { viewer, id };
}

const metric = async (hub: TestHub, line: string): Promise<number> => {
  const text = await hub.deps.metrics.metrics();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );
};

describe('[I6] any replica serves anybody', () => {
  test('failure 6: a viewer on another replica than the agent sees its screen, byte for byte, both ways', async () => {
    const { agent } = await holder.running();
    const { viewer, id } = await farScreen(agent);
    const screen = randomBytes(200_000);
    for (let at = 0; at < screen.length; at += 20_000) agent.ws.send(dataFrame(id, screen.subarray(at, at + 20_000)));
    await eventually('all of it', () => viewer.received === screen.length);
    const got = createHash('sha256');
    for (const piece of viewer.got.all) got.update(piece);
    expect(got.digest('hex')).toBe(createHash('sha256').update(screen).digest('hex'));
    const typed = randomBytes(100_000);
    viewer.ws.send(typed);
    const arrived: Buffer[] = [];
    while (Buffer.concat(arrived).length < typed.length) {
      const frame = await agent.frames.next((each) => each.kind === 'data');
      if (frame.kind === 'data') arrived.push(frame.data);
    }
    expect(Buffer.concat(arrived).equals(typed)).toBe(true);
  });

  test('the end of either side is the end of the other, with the reason', async () => {
    const { agent } = await holder.running();
    const first = await farScreen(agent);
    first.viewer.ws.close();
    expect((await agent.hear('vnc_disconnect')).stream_id).toBe(first.id);
    await eventually('nothing left', () => other.gateway.counts.viewers === 0 && holder.gateway.counts.viewers === 0);
    const second = await farScreen(agent);
    const error = new StreamSpaceError('screen_unreachable', 'the desktop has crashed').toJSON();
    agent.say({ type: 'vnc_disconnect', stream_id: second.id, error });
    expect(await second.viewer.closed).toEqual({ code: 4451, reason: 'the desktop has crashed' });
    const last = await farScreen(agent);
    agent.ws.send(dataFrame(last.id, Buffer.from('bye')));
    agent.ws.send(Buffer.from([3, 0, 0, 0, last.id]));
    expect((await last.viewer.closed).code).toBe(1000);
    expect(Buffer.concat(last.viewer.got.all as Buffer[]).toString()).toBe('bye');
  });

  test('[STR4] a frozen viewer far away costs the replica that holds the agent no more than its credit', async () => {
    const { agent } = await holder.running();
    const { viewer, id } = await farScreen(agent);
    viewer.ws.pause();
    let credit: number = LIMITS.initialCredit;
    let sent = 0;
    agent.ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary && data[0] === 2) credit += data.readUInt32BE(5);
    });
    const chunk = Buffer.alloc(32 * 1024, 7);
    const total = 64 * 1024 * 1024;
    // as much as ever goes: until no more credit comes, however long one waits
    for (let idle = 0; sent < total && idle < 400;) {
      if (credit >= chunk.length) {
        agent.ws.send(dataFrame(id, chunk));
        credit -= chunk.length;
        sent += chunk.length;
        idle = 0;
      } else {
        idle += 1;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    expect(sent).toBeLessThan(total);
    const memory = holder.gateway.counts;
    expect(memory.streams).toBe(1);
    viewer.ws.resume();
    await eventually('the rest arrives', () => viewer.received === sent);
  });

  test('a screen far away that takes nothing from its viewer costs nobody the connection', async () => {
    const { agent } = await holder.running();
    const { viewer, id } = await farScreen(agent, 1_024);
    const typed = randomBytes(1_000_000);
    viewer.ws.send(typed);
    await agent.frames.next((each) => each.kind === 'data');
    for (let round = 0; round < 10; round += 1) {
      await holder.clock.advance(800);
      // pings and pongs have been on real sockets by then
      for (const hub of [holder, other, holder, other]) expect((await fetch(`${hub.address}/ready`)).status).toBe(200);
    }
    expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
    agent.ws.send(dataFrame(id, Buffer.from('still there')));
    await eventually('it is', () => Buffer.concat(viewer.got.all as Buffer[]).toString() === 'still there');
  });

  test('a replica that holds the agent and falls silent is given up, though its socket stays', async () => {
    const { agent } = await holder.running();
    const sockets: Socket[] = [];
    holder.app.server.on('connection', (socket: Socket) => sockets.push(socket));
    const { viewer } = await farScreen(agent);
    // frozen: neither reads nor says anything
    for (const socket of sockets) socket.pause().cork();
    for (let round = 0; round < 4; round += 1) await holder.clock.advance(800);
    expect((await viewer.closed).code).toBe(4450);
  });

  test('a viewer that waits for a replica that died need not wait once the agent is at another', async () => {
    await holder.running();
    // takes connections and says nothing, as a machine that is gone does not even do
    const held: Socket[] = [];
    const dead = createServer((socket) => held.push(socket)).listen(0, '127.0.0.1');
    await once(dead, 'listening');
    const connected = (connectionId: string, hub: string, term: number) =>
      holder.store.agents.claim({
        agentId: 'a1',
        term,
        replica: `r${term}`,
        connectionId,
        hub,
        takeover: true,
        hello: hello({ agent_id: 'a1', term }),
        at: iso(holder.clock.now()),
      });
    await connected('dead', `http://127.0.0.1:${(dead.address() as AddressInfo).port}`, 8);
    const viewer = await other.viewer('s1');
    await eventually('it waits there', () => held.length > 0);
    expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
    // no time passes on this clock
    await third.welcome({ term: 9 });
    expect((await viewer.closed).code).toBe(4450);
    for (const socket of held) socket.destroy();
    dead.close();
  });

  test('a screen whose agent has gone meanwhile is refused after one hop, never passed on', async () => {
    const { agent } = await holder.running();
    // the record still names the holder, which has lost the agent
    const claimed = await holder.store.agents.get('a1');
    await holder.store.agents.claim({
      agentId: 'a1',
      term: 9,
      replica: 'r9',
      connectionId: 'elsewhere',
      hub: third.address,
      takeover: false,
      hello: hello({ agent_id: 'a1', term: 9 }),
      at: claimed!.connected_since!,
    });
    const viewer = await other.viewer('s1');
    expect((await viewer.closed).code).toBe(4450);
    expect(agent.heard.all.some((message) => message.type === 'vnc_connect')).toBe(false);
  });

  test('a command that another replica accepts is with the agent at once', async () => {
    const agent = await holder.welcome();
    const { command } = await other.create({ id: 's1' });
    expect((await agent.serve()).id).toBe(command.id);
    await other.commandReaches(command.id, 'completed');
    expect(await metric(other, 'streamspace_hub_signals_total{direction="sent"}')).toBe(1);
    expect(await metric(third, 'streamspace_hub_signals_total{direction="received"}')).toBe(0);
  });

  test('a wake-up that is lost is repeated', async () => {
    const send = holder.store.signals.send.bind(holder.store.signals);
    let lost = 0;
    holder.store.signals.send = async (...args) => (++lost === 1 ? undefined : send(...args));
    const agent = await holder.welcome();
    const { command } = await other.create({ id: 's1' });
    await eventually('lost', () => lost === 1);
    await holder.clock.advance(10_000);
    expect((await agent.serve()).id).toBe(command.id);
  });

  test('[AUTH5] a credential is rotated, and revoked, through any replica', async () => {
    const agent = await holder.welcome();
    const rotated = other.gateway.rotate('a1');
    const message = await agent.hear('credential');
    agent.say({ type: 'credential_stored', rotation_id: message.rotation_id });
    await rotated;
    await other.gateway.close('a1', new StreamSpaceError('unauthenticated', 'revoked'));
    expect((await agent.closed).code).toBe(4410);
  });
});

describe('[AUTH5] a revoked credential', () => {
  test('lets nobody in who was authenticated at another replica a moment before, and accepted a moment after', async () => {
    const claim = holder.store.agents.claim.bind(holder.store.agents);
    let open!: () => void;
    const passed = new Promise<void>((resolve) => (open = resolve));
    holder.store.agents.claim = (...args) => passed.then(() => claim(...args));
    const agent = await other.agent('a1');
    const answer = agent.hello();
    await holder.store.credentials.revoke('a1');
    await holder.gateway.close('a1', new StreamSpaceError('unauthenticated', 'revoked'));
    open();
    await answer;
    expect(await agent.closed).toMatchObject({ code: 4410, reason: expect.stringContaining('was revoked') as unknown });
    await eventually('gone', async () => (await holder.store.agents.get('a1'))?.connected === false);
  });

  test('ends the link at the next heartbeat where the replica that holds it was not told', async () => {
    const agent = await holder.welcome();
    await other.store.credentials.revoke('a1');
    agent.say({
      type: 'heartbeat',
      seq: 1,
      status: 'online',
      capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
      active_sessions: 0,
      replicas: [],
    });
    expect((await agent.closed).code).toBe(4410);
  });
});

describe('connections across replicas', () => {
  test('[CON6] a newer leader at another replica: the old one is told there, at once', async () => {
    const old = await holder.welcome({ term: 1 });
    await other.welcome({ term: 2, replica: 'r2' });
    expect(await old.closed).toMatchObject({ code: 4432, reason: 'r2 was accepted with term 2' });
    await eventually('gone', () => holder.gateway.counts.links === 0);
    expect((await other.store.agents.get('a1'))?.hub).toBe(other.address);
  });

  test('[TERM4] a duplicate at another replica is refused while the first one answers there', async () => {
    await holder.welcome({ term: 0 });
    const second = await other.agent('a1');
    expect(await second.hello({ term: 0, replica: 'r2' })).toMatchObject({ error: { code: 'duplicate_agent' } });
  });

  test('[TERM4] an agent of a replica that died is taken over at once, without waiting for anything to expire', async () => {
    await holder.welcome({ term: 0 });
    // dead without a word: its record stays
    holder.store.agents.release = async () => false;
    await holder.stop();
    const again = await other.agent('a1');
    expect(await again.hello({ term: 0, replica: 'r2' })).toMatchObject({ type: 'welcome', term: 2 });
  });

  test('an agent that went down with its replica does not stay connected for ever', async () => {
    await holder.welcome({ term: 1 });
    await holder.store.agents.claim({
      ...claim({ agentId: 'lost', hub: 'http://127.0.0.1:1', connectionId: 'gone' }),
      at: iso(holder.clock.now()),
    });
    await holder.clock.advance(30_000);
    expect((await other.store.agents.get('lost'))?.connected).toBe(true);
    await holder.clock.advance(60_000);
    expect((await other.store.agents.get('lost'))?.connected).toBe(false);
  });

  test('a viewer whose agent is at a replica that dies is closed, to connect again', async () => {
    const { agent } = await holder.running();
    const { viewer } = await farScreen(agent);
    await holder.stop();
    expect([1012, 4450]).toContain((await viewer.closed).code);
  });
});

describe('peers prove who they are', () => {
  const dial = (authorization?: string) =>
    new WebSocket(`${holder.url}/internal/v1/sessions/s1/screen`, {
      headers: authorization === undefined ? {} : { authorization },
    });
  const refusal = (authorization?: string) =>
    opened(dial(authorization)).then(
      () => 'open',
      (error: unknown) => (error as RefusedUpgrade).body.error?.message ?? '',
    );
  const signed = (change: Partial<Parameters<typeof signPeer>[1]> = {}, secret?: string, at = 0) =>
    `Peer ${signPeer(
      secret ?? holder.deps.config.peerSecret!,
      { purpose: 'screen', to: holder.address, agent: 'a1', session: 's1', user: 'ann', ...change },
      { now: holder.clock.now() + at, nonce: randomBytes(8).toString('hex') },
    )}`;

  test('each credential is good once, for this hub, session and purpose, and not for long', async () => {
    await holder.running();
    expect(await refusal()).toContain('no credential of a peer');
    expect(await refusal('Bearer x')).toContain('no credential of a peer');
    expect(await refusal(signed({}, 'x'.repeat(40)))).toContain('not signed by a peer');
    expect(await refusal(signed({ purpose: 'rotate' }))).toContain('is for rotate');
    expect(await refusal(signed({ to: other.address }))).toContain('HUB_ADDRESS');
    expect(await refusal(signed({ session: 's2' }))).toContain('session s2');
    expect(await refusal(signed({}, undefined, -31_000))).toContain('expired');
    const good = signed();
    expect(await refusal(good)).toBe('open');
    expect(await refusal(good)).toContain('used before');
    const answer = await fetch(`${holder.address}/internal/v1/close`, {
      method: 'POST',
      headers: { authorization: signed() },
    });
    expect(answer.status).toBe(401);
    expect(holder.gateway.counts.links).toBe(1);
  });
});

describe('[I7] drain', () => {
  test('[CON8] agents connect elsewhere before they leave; viewers are sent after them', async () => {
    const { agent } = await holder.running();
    const near = await holder.screen(agent);
    const { viewer: far } = await farScreen(agent);
    const drained = holder.gateway.drain(new AbortController().signal);
    expect((await fetch(`${holder.address}/ready`)).status).toBe(503);
    expect((await fetch(`${other.address}/ready`)).status).toBe(200);
    await agent.hear('go_away');
    // make before break: nothing has ended yet
    expect(holder.gateway.counts.streams).toBe(2);
    const moved = await other.welcome({ term: 1 });
    await agent.closed;
    expect((await near.viewer.closed).code).toBe(1012);
    expect([1012, 4450]).toContain((await far.closed).code);
    await drained;
    moved.say({ type: 'sessions', sessions: [status('s1')] });
    expect((await other.viewer('s1')).ws.readyState).toBe(WebSocket.OPEN);
    await expect(holder.viewer('s1')).rejects.toMatchObject({ status: 503 });
  });

  test('[TERM4] [CON8] an agent without HA moves, too: it is no duplicate of itself', async () => {
    const agent = await holder.welcome({ term: 0 });
    const drained = holder.gateway.drain(new AbortController().signal);
    await agent.hear('go_away');
    const stranger = await other.agent('a1');
    expect(await stranger.hello({ term: 0, replica: 'r2' })).toMatchObject({ error: { code: 'duplicate_agent' } });
    expect((await other.welcome({ term: 0 })).ws.readyState).toBe(WebSocket.OPEN);
    await drained;
  });

  test('a viewer that needs another replica only is sent away as soon as a load balancer can have seen that this one stops', async () => {
    const { agent } = await holder.running();
    const { viewer } = await farScreen(agent);
    const drained = other.gateway.drain(new AbortController().signal);
    await other.clock.advance(700);
    expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
    await other.clock.advance(50);
    expect((await viewer.closed).code).toBe(1012);
    await drained;
  });

  test('a hub with nobody to go to is not held up by agents that come back to it', async () => {
    const agent = await third.welcome({ agent_id: 'alone' });
    const drained = third.gateway.drain(new AbortController().signal);
    await agent.hear('go_away');
    await expect(third.agent('alone')).rejects.toMatchObject({ status: 503, body: { error: { code: 'going_away' } } });
    await third.clock.advance(4_000);
    expect((await agent.closed).code).toBe(1012);
    await drained;
  });

  test('ends at its deadline with what is left', async () => {
    await other.welcome({ agent_id: 'elsewhere' });
    const agent = await holder.welcome();
    const deadline = new AbortController();
    const drained = holder.gateway.drain(deadline.signal);
    await agent.hear('go_away');
    await holder.clock.advance(5_000);
    expect(holder.gateway.counts.links).toBe(1);
    deadline.abort();
    await drained;
    expect((await agent.closed).code).toBe(1012);
  });
});

describe('admission', () => {
  test('a storm of agents becomes a queue: those who are sent away are told when to come, one after the other', async () => {
    const storm = await Promise.allSettled(
      Array.from({ length: 600 }, () => holder.agent('a1').then((agent) => agent.ws.terminate())),
    );
    const refused = storm.filter((each) => each.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { status: 429, body: { error: { code: 'rate_limited' } } } });
    expect(await metric(holder, 'streamspace_hub_admissions_total{outcome="later"}')).toBeGreaterThan(0);
  });
});

describe('an emptied store', () => {
  test('[SES3] agents register again on their live links, with their terms; sessions are learnt again', async () => {
    const { agent } = await holder.running();
    // what FLUSHALL does, as far as these records go
    Object.assign(holder.store, memoryStore(holder.clock));
    agent.say({
      type: 'heartbeat',
      seq: 7,
      status: 'online',
      capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
      active_sessions: 1,
      replicas: [],
    });
    const list = await agent.command();
    expect(list.action).toBe('list_sessions');
    agent.done(list, { sessions: [status('s1')] });
    await holder.reaches('s1', 'running');
    expect(await holder.store.agents.get('a1')).toMatchObject({ term: 1, connected: true, hub: holder.address });
    expect(holder.gateway.counts.links).toBe(1);
    // and it may come again
    expect(await holder.store.credentials.get('a1')).toBeDefined();
    const stale = await other.agent('a1');
    expect(await stale.hello({ term: 0, replica: 'r2' })).toMatchObject({ type: 'refuse' });
  });
});
