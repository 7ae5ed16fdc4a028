import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dataFrame, LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../support/inbox.ts';
import { claim, hello } from '../support/records.ts';
import { farScreen, holder, metric, other, third, threeHubs } from '../support/three-hubs.ts';

threeHubs();

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

  test('V7 [VIEW6] viewers of two replicas: one of them decides the size', async () => {
    await holder.running();
    const protocols = ['screen.streamspace', 'binary'];
    const far = await other.viewer('s1', { protocols, steer: 'yes' });
    const said = async () => (await far.got.next()).toString();
    expect(await said()).toBe('steering yes');
    const near = await holder.viewer('s1', { protocols, steer: 'yes' });
    expect((await near.got.next()).toString()).toBe('steering no');
    far.ws.send('steer no');
    expect(await said()).toBe('steering no');
    expect((await near.got.next()).toString()).toBe('steering yes');
    far.ws.send('steer yes');
    expect(await said()).toBe('steering no');
    near.ws.close();
    expect(await said()).toBe('steering yes');
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
      for (const hub of [holder, other, holder, other])
        expect((await fetch(`http://127.0.0.1:${hub.port}/ready`)).status).toBe(200);
    }
    expect(viewer.ws.readyState).toBe(WebSocket.OPEN);
    agent.ws.send(dataFrame(id, Buffer.from('still there')));
    await eventually('it is', () => Buffer.concat(viewer.got.all as Buffer[]).toString() === 'still there');
  });

  test('a replica that holds the agent and falls silent is given up, though its socket stays', async () => {
    const { agent } = await holder.running();
    const sockets: Socket[] = [];
    holder.internal.server.on('connection', (socket: Socket) => sockets.push(socket));
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
