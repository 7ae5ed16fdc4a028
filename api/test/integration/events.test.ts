import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { Agent, Event } from '@streamspace/protocol';
import { Compile } from 'typebox/compile';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GIB, session } from '../support/records.ts';
import { Rest } from '../support/rest.ts';

let hub: Rest;
let readers: Reader[] = [];
beforeEach(async () => {
  hub = await Rest.start();
  await hub.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  for (const reader of readers) reader.leave();
  readers = [];
  await hub.stop();
});

/** One open event stream. */
class Reader {
  text = '';
  over = false;
  readonly #leaving = new AbortController();
  static async open(
    who: string,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Reader> {
    const reader = new Reader();
    const token = await hub.sign({ sub: who, roles: [who === 'admin' ? 'admin' : 'user'] });
    const { port } = hub.app.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/events${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      signal: reader.#leaving.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    void reader.#read(response);
    readers.push(reader);
    await reader.sees(': alive');
    return reader;
  }
  async #read(response: Response): Promise<void> {
    try {
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) this.text += piece;
    } catch {
      // left
    }
    this.over = true;
  }
  leave(): void {
    this.#leaving.abort();
  }
  get events(): Event[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)]
      .map(([, data]) => JSON.parse(data!) as Event)
      .filter((each) => each.id !== undefined);
  }
  sees(text: string): Promise<void> {
    return vi.waitFor(() => expect(this.text).toContain(text), 5_000);
  }
}

const ofSession = (user: string, id: string) => hub.links.deps!.publish.session(session({ id, user }));
const refused = () =>
  hub.links.deps!.publish.agentRefused('a1', { replica: 'r2', term: 0, code: 'duplicate_agent', message: 'no' });

describe('the event stream', () => {
  it('tells of what happens, as events with ids and types', async () => {
    const alice = await Reader.open('alice');
    await hub.agent('a1');
    const { session: made, command } = (await hub.as('alice', 'POST', 'sessions', { template: 'desktop' })).body;
    await hub.as('admin', 'PATCH', 'agents/a1', { status: 'offline' });
    await alice.sees('agent.updated');
    expect(alice.events.map(({ type }) => type)).toEqual(['session.updated', 'command.updated', 'agent.updated']);
    expect(alice.events[0]!.data).toEqual(made);
    expect(alice.events[1]!.data).toEqual(command);
    for (const event of alice.events) expect(Compile(Event).Errors(event)).toEqual([]);
    expect(alice.text).toContain(`id: ${alice.events[0]!.id}\nevent: session.updated\ndata: {`);
    expect(JSON.stringify(alice.events)).not.toMatch(/connection_id|payload/);
  });

  it("[AUTH2] keeps other users' sessions and commands back, and agents from nobody", async () => {
    const [alice, bob, admin] = await Promise.all([Reader.open('alice'), Reader.open('bob'), Reader.open('admin')]);
    await ofSession('alice', 's-alice');
    await ofSession('bob', 's-bob');
    await refused();
    for (const reader of [alice, bob, admin]) await reader.sees('agent.refused');
    expect(alice.events.map((each) => each.session)).toEqual(['s-alice', null]);
    expect(bob.events.map((each) => each.session)).toEqual(['s-bob', null]);
    expect(admin.events.map((each) => each.session)).toEqual(['s-alice', 's-bob', null]);
    expect(bob.text).not.toContain('alice');
  });

  it('goes on after the event that one saw last, told by header or query, without a gap and without repeats', async () => {
    const first = await Reader.open('alice');
    for (let n = 1; n <= 3; n += 1) await ofSession('alice', `s${n}`);
    await first.sees('"s3"');
    first.leave();
    const [second] = first.events.slice(1);
    for (let n = 4; n <= 5; n += 1) await ofSession('alice', `s${n}`);
    for (const options of [{ headers: { 'last-event-id': String(second!.id) } }, { query: `?after=${second!.id}` }]) {
      const again = await Reader.open('alice', options);
      await ofSession('alice', 'now');
      await again.sees('"now"');
      expect(again.events.map((each) => each.session).slice(0, 3)).toEqual(['s3', 's4', 's5']);
      expect(new Set(again.events.map(({ id }) => id)).size).toBe(again.events.length);
    }
  });

  it('begins with what is new when nothing is said', async () => {
    await ofSession('alice', 'before');
    const alice = await Reader.open('alice');
    await ofSession('alice', 'after');
    await alice.sees('"after"');
    expect(alice.text).not.toContain('before');
  });

  it('says that everything is to be read again when what was missed is not kept', async () => {
    for (let n = 0; n < 7_000; n += 1) await ofSession('bob', 's');
    const alice = await Reader.open('alice', { query: '?after=1' });
    await alice.sees('event: reset');
    await ofSession('alice', 'now');
    await alice.sees('"now"');
  });

  it('shows that it is alive every 15 s', async () => {
    const alice = await Reader.open('alice');
    const beats = () => alice.text.split(': alive').length - 1;
    expect(beats()).toBe(1);
    await hub.clock.advance(15_000);
    await vi.waitFor(() => expect(beats()).toBe(2));
  });

  it('ends with its token', async () => {
    const alice = await Reader.open('alice');
    await hub.clock.advance(3_600_000);
    await alice.sees(': the token has expired');
    await vi.waitFor(() => expect(alice.over).toBe(true));
    expect(hub.clock.pending).toBe(0);
  });

  it('leaves nothing behind when the reader goes', async () => {
    const alice = await Reader.open('alice');
    // of its beats, and of the look for what ends it
    expect(hub.clock.pending).toBe(2);
    alice.leave();
    await vi.waitFor(() => expect(hub.clock.pending).toBe(0));
  });

  it('ends with the hub, which does not wait for it', async () => {
    const alice = await Reader.open('alice');
    await hub.app.close();
    await vi.waitFor(() => expect(alice.over).toBe(true));
    expect(alice.text).toContain(': the hub stops');
    expect(hub.clock.pending).toBe(0);
  });

  it('is open at most 32 times for one user', async () => {
    for (let n = 0; n < 32; n += 1) await Reader.open('alice');
    expect(await hub.as('alice', 'GET', 'events')).toMatchObject({ status: 429, code: 'rate_limited' });
    await Reader.open('bob');
    readers[0]!.leave();
    await vi.waitFor(() => Reader.open('alice'), { timeout: 5_000, interval: 50 });
  });

  it('I5: one that does not read is cut, and costs others nothing', async () => {
    const bob = await Reader.open('bob');
    const frozen = await freeze(await hub.sign());
    const big = session({ id: 'big', name: 'x'.repeat(100_000), cpu: GIB });
    const before = hub.clock.pending;
    for (let n = 0; n < 400 && hub.clock.pending === before; n += 1) await hub.links.deps!.publish.session(big);
    expect(hub.clock.pending).toBe(before - 1);
    await ofSession('bob', 'still-there');
    await bob.sees('still-there');
    frozen.destroy();
  });
});

/** A subscriber that asks and never reads. */
async function freeze(token: string): Promise<Socket> {
  const socket = connect((hub.app.server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.pause();
  const before = hub.clock.pending;
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await vi.waitFor(() => expect(hub.clock.pending).toBe(before + 1));
  return socket;
}

describe("an agent's timeline", () => {
  it('is its agent events, oldest first, for everybody', async () => {
    await hub.agent('a1');
    await hub.links.deps!.publish.agent('agent.registered', (await hub.store.agents.get('a1'))!);
    await ofSession('alice', 's1');
    await refused();
    await hub.links.deps!.publish.agentDisconnected('a1', 'gone');
    const { body } = await hub.as('bob', 'GET', 'agents/a1/timeline');
    expect(body.items.map((each: Event) => each.type)).toEqual([
      'agent.registered',
      'agent.refused',
      'agent.disconnected',
    ]);
    expect(body.items[0].data).toMatchObject({ id: 'a1', connection_id: 'conn-a1', leader: 'r1', term: 1 });
    const after = await hub.as('bob', 'GET', `agents/a1/timeline?after=${body.items[0].id}`);
    expect(after.body.items).toHaveLength(2);
    expect(await hub.as('bob', 'GET', 'agents/none/timeline')).toMatchObject({ status: 404, code: 'not_found' });
  });
});

describe('agents', () => {
  it('are there for everybody to see, without where their connection is', async () => {
    await hub.agent('a2', { region: 'us' });
    await hub.agent('a1');
    const { body } = await hub.as('bob', 'GET', 'agents');
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(['a1', 'a2']);
    expect(body.items[0]).not.toHaveProperty('connection_id');
    expect(body.items[0]).not.toHaveProperty('hub');
    expect((await hub.as('bob', 'GET', 'agents/a2')).body).toEqual(body.items[1]);
    expect(await hub.as('bob', 'GET', 'agents/a3')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await hub.as('admin', 'PATCH', 'agents/a3', { status: 'offline' })).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });

  it('guide: have their capacity as amounts, and as numbers beside them, wherever they are told', async () => {
    const watching = await Reader.open('bob');
    await hub.agent('a1', { capacity: { cpu: 8, memory: 16 * GIB, max_sessions: 100 } });
    const record = (await hub.store.agents.get('a1'))!;
    await hub.links.deps!.publish.agent('agent.registered', record);
    const capacity = {
      cpu: '8000m',
      cpu_cores: 8,
      memory: '16Gi',
      memory_bytes: 16 * GIB,
      max_sessions: 100,
    };
    const { body } = await hub.as('bob', 'GET', 'agents/a1');
    expect(Compile(Agent).Errors(body)).toEqual([]);
    expect(body.capacity).toEqual(capacity);
    expect((await hub.as('bob', 'GET', 'agents')).body.items[0].capacity).toEqual(capacity);
    expect((await hub.as('admin', 'PATCH', 'agents/a1', { status: 'online' })).body.capacity).toEqual(capacity);
    expect((await hub.as('bob', 'GET', 'agents/a1/timeline')).body.items[0].data.capacity).toEqual(capacity);
    await watching.sees('agent.updated');
    expect(watching.events.map(({ data }) => data['capacity'])).toEqual([capacity, capacity]);
    // replicas read numbers, those of the version before too
    expect((await hub.store.events.since(0)).map(({ data }) => data['capacity'])).toEqual([
      record.capacity,
      record.capacity,
    ]);
  });

  it('take no new sessions while drained, and do again when back', async () => {
    await hub.agent('a1');
    const create = () => hub.as('alice', 'POST', 'sessions', { template: 'desktop' });
    const { id } = (await create()).body.session;
    expect((await hub.as('admin', 'PATCH', 'agents/a1', { status: 'offline' })).body).toMatchObject({
      status: 'offline',
      draining: true,
      connected: true,
      active_sessions: 1,
    });
    expect(await create()).toMatchObject({ code: 'no_placement', message: expect.stringContaining('1 being drained') });
    expect((await hub.as('alice', 'DELETE', `sessions/${id}`)).status).toBe(202);
    expect((await hub.as('admin', 'PATCH', 'agents/a1', { status: 'online' })).body).toMatchObject({
      status: 'online',
      draining: false,
    });
    expect((await create()).status).toBe(202);
  });

  it('list what they run when they are asked, as a command', async () => {
    expect(await hub.as('admin', 'POST', 'agents/a1/list')).toMatchObject({ status: 404, code: 'not_found' });
    await hub.agent('a1');
    const { status, body } = await hub.as('admin', 'POST', 'agents/a1/list', {});
    expect(status).toBe(202);
    expect(body).toMatchObject({
      action: 'list_sessions',
      agent: 'a1',
      session: null,
      user: 'admin',
      state: 'pending',
    });
    expect(await hub.store.commands.get(body.id)).toMatchObject({ action: 'list_sessions', state: 'pending' });
    expect(hub.links.woken).toContain('a1');
    expect((await hub.as('admin', 'GET', `commands/${body.id}`)).body.id).toBe(body.id);
  });
});
