import type { Event } from '@streamspace/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { AT, claim, command, LATER, ROOM, session, template } from '../support/records.ts';
import { ABOUT_SERVER, eventually, redisPort, RedisProcess, SERVER } from '../support/redis-programs.ts';
import { Creating, RedisScene } from '../support/redis-stores.ts';

const UNAVAILABLE = expect.objectContaining({ code: 'store_unavailable' }) as unknown;
const DURABLE = ['appendonly yes', 'appendfsync always'];

const event = (n: number): Omit<Event, 'id'> => ({
  at: AT,
  type: 'session.updated',
  agent: 'a1',
  session: 's1',
  user: 'alice',
  data: { n },
});
const works = async (store: Store): Promise<boolean> =>
  store.ping(AbortSignal.timeout(5_000)).then(
    () => true,
    () => false,
  );

describe.skipIf(SERVER === undefined)(`redis store: one server${ABOUT_SERVER}`, () => {
  const scene = new RedisScene();
  afterEach(() => scene.end());

  it('[CMD2] loses nothing that was accepted when the server is killed and starts again', async () => {
    const server = await scene.server(RedisProcess.start(DURABLE));
    const store = scene.store({ url: server.url });
    await store.agents.claim(claim({ term: 7 }));
    const creating = new Creating(store);
    for (let round = 0; round < 3; round += 1) {
      await creating.more(50);
      await server.kill();
      await eventually('a refusal', async () => creating.refused.length > 0);
      await server.resume();
    }
    await creating.more(10);
    await creating.stop();
    expect(await creating.lost()).toEqual([]);
    expect(creating.refused).toEqual(creating.refused.map(() => UNAVAILABLE));
    expect(await store.agents.get('a1')).toMatchObject({
      term: 7,
      active_sessions: (await store.sessions.list({ agent: 'a1' })).length,
    });
  });

  it('says store_unavailable soon when the server freezes, and works again when it goes on', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url });
    const seen: number[] = [];
    const over = new AbortController();
    store.events.subscribe(({ data }) => seen.push(data['n'] as number), over.signal);
    await store.events.append(event(0));
    server.signal('SIGSTOP');
    await Promise.all([
      expect(store.sessions.get('s1')).rejects.toEqual(UNAVAILABLE),
      expect(store.agents.claim(claim())).rejects.toEqual(UNAVAILABLE),
      expect(store.ping(AbortSignal.timeout(60_000))).rejects.toEqual(UNAVAILABLE),
    ]);
    // also those that come later
    for (let n = 0; n < 5; n += 1) await expect(store.commands.open('a1')).rejects.toEqual(UNAVAILABLE);
    server.signal('SIGCONT');
    await eventually('the store works', () => works(store));
    expect(await store.agents.claim(claim())).toMatchObject({ accepted: true });
    for (const n of [1, 2, 3]) await store.events.append(event(n));
    await vi.waitFor(() => expect(seen).toEqual([0, 1, 2, 3]), 10_000);
    over.abort();
  });

  it('takes no more steps than it can bear while the server does not answer', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url });
    await eventually('the store works', () => works(store));
    server.signal('SIGSTOP');
    let early = true;
    const steps = Array.from({ length: 10_100 }, () => store.templates.get('a').catch((error: unknown) => error));
    void Promise.race(steps.slice(0, 10_000)).then(() => (early = false));
    expect(await Promise.all(steps.slice(10_000))).toEqual(Array.from({ length: 100 }, () => UNAVAILABLE));
    expect(early).toBe(true);
    server.signal('SIGCONT');
    await Promise.all(steps);
    await eventually('the store works', () => works(store));
  });

  it('[I6] what one replica makes, another one finds by its id, its user and in the list of all', async () => {
    const server = await scene.server(RedisProcess.start());
    const [one, two] = [scene.store({ url: server.url }), scene.store({ url: server.url })];
    const made = { session: session({ command: 'c1' }), command: command() };
    expect(await one.sessions.create(made.session, made.command, ROOM)).toMatchObject({ created: true });
    await one.commands.append(command({ id: 'c2', session: null }));
    expect(await two.sessions.get('s1')).toEqual(made.session);
    expect(await two.commands.get('c1')).toEqual(made.command);
    expect(await two.commands.get('c2')).toMatchObject({ id: 'c2' });
    expect(await two.sessions.list({ user: made.session.user })).toEqual([made.session]);
    expect(await two.sessions.list({})).toEqual([made.session]);
  });

  it('can be opened before the server is there', async () => {
    const port = await redisPort();
    const store = scene.store({ url: `redis://127.0.0.1:${port}` });
    await expect(store.templates.put(template())).rejects.toEqual(UNAVAILABLE);
    await scene.server(RedisProcess.start([], { port }));
    await eventually('the store works', () => works(store));
    await store.templates.put(template());
    expect(await store.templates.get('desktop')).toEqual(template());
  });

  it('misses no event when connections break', async () => {
    const server = await scene.server(RedisProcess.start());
    const [store, other] = [scene.store({ url: server.url }), scene.store({ url: server.url })];
    const operator = server.client();
    const seen: number[] = [];
    const over = new AbortController();
    store.events.subscribe(({ data }) => seen.push(data['n'] as number), over.signal);
    await store.events.append(event(0));
    await vi.waitFor(() => expect(seen).toEqual([0]));
    let last = 0;
    for (let round = 0; round < 5; round += 1) {
      await operator.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      for (let n = 0; n < 20; n += 1) {
        const next = last + 1;
        await eventually('an event is appended', () =>
          other.events.append(event(next)).then(
            () => true,
            () => false,
          ),
        );
        last = next;
      }
    }
    await vi.waitFor(() => expect(seen.at(-1)).toBe(last), 10_000);
    expect(seen).toEqual(Array.from({ length: last + 1 }, (_, n) => n));
    over.abort();
    operator.disconnect();
  });

  it('failure 6: hubs on the same store see what others do', async () => {
    const server = await scene.server(RedisProcess.start());
    const [one, two] = [scene.store({ url: server.url }), scene.store({ url: server.url })];
    const seen: Event[] = [];
    const heard: string[] = [];
    const over = new AbortController();
    two.events.subscribe((each) => seen.push(each), over.signal);
    await new Promise<void>((resolve) =>
      two.signals.subscribe('http://two', ({ agent }) => heard.push(agent), resolve, over.signal),
    );
    // its first look is behind it when it hears of this
    const early = await two.events.append(event(0));
    await vi.waitFor(() => expect(seen).toEqual([early]));
    await one.agents.claim(claim({ hub: 'http://two' }));
    expect(await two.agents.get('a1')).toMatchObject({ hub: 'http://two', connected: true });
    await one.sessions.create(session(), command(), ROOM, 'key');
    expect((await two.commands.open('a1')).map(({ id }) => id)).toEqual(['c1']);
    expect(await two.sessions.created('alice', 'key')).toMatchObject({ session: { id: 's1' } });
    expect(await two.commands.markSent('c1', 'conn-r1-1', LATER)).toMatchObject({ attempt: 1 });
    expect(await one.commands.get('c1')).toMatchObject({ state: 'sent' });
    await one.tickets.put('hash', { session: 's1', user: 'alice' }, 30_000);
    expect(await two.tickets.take('hash')).toEqual({ session: 's1', user: 'alice' });
    expect(await one.tickets.take('hash')).toBeUndefined();
    const late = await one.events.append(event(1));
    await one.signals.send('http://two', { type: 'wake', agent: 'a1' });
    await vi.waitFor(() => expect(seen).toEqual([early, late]));
    await vi.waitFor(() => expect(heard).toEqual(['a1']));
    over.abort();
  });

  it('a server that was emptied takes what agents say again; ids of events go on', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url });
    const operator = server.client();
    await store.templates.put(template());
    await store.agents.claim(claim({ term: 41 }));
    await store.sessions.create(session(), command(), ROOM);
    const seen: number[] = [];
    const over = new AbortController();
    store.events.subscribe(({ data }) => seen.push(data['n'] as number), over.signal);
    const before = await store.events.append(event(0));
    await vi.waitFor(() => expect(seen).toEqual([0]));
    await operator.flushall();
    expect(await store.agents.get('a1')).toBeUndefined();
    expect(await store.sessions.get('s1')).toBeUndefined();
    expect(await store.templates.list()).toEqual([template()]);
    expect(await store.agents.claim(claim({ term: 41 }))).toEqual({ accepted: true, term: 41 });
    expect(await store.agents.claim(claim({ term: 40, replica: 'r2' }))).toMatchObject({ accepted: false, term: 41 });
    expect(await store.sessions.adopt(session({ state: 'running' }))).toMatchObject({ state: 'running' });
    expect(await store.sessions.get('s1')).toMatchObject({ state: 'running' });
    expect(await store.agents.get('a1')).toMatchObject({ active_sessions: 1 });
    const after = await store.events.append(event(1));
    expect(after.id).toBeGreaterThan(before.id + 1);
    await vi.waitFor(() => expect(seen).toEqual([0, 1]), 10_000);
    over.abort();
    operator.disconnect();
  });

  it('a hub that dies between taking an idempotency key and making its session leaves the key usable', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url });
    const operator = server.client();
    await store.sessions.create(session({ id: 's1', command: 'c1' }), command(), ROOM, 'key');
    // as if only the key had been taken
    const [key] = await operator.keys('ss:idempotency:*');
    const taken = { ...(JSON.parse((await operator.get(key!))!) as object), done: false };
    await operator.flushall();
    await operator.set(key!, JSON.stringify(taken));
    const results = await Promise.all(
      ['s2', 's3'].map((id) =>
        store.sessions.create(session({ id, agent: 'a2' }), command({ id: `c-${id}`, session: id }), ROOM, 'key'),
      ),
    );
    expect(results).toMatchObject([{ session: { id: 's1' } }, { session: { id: 's1' } }]);
    expect(await store.sessions.list({})).toHaveLength(1);
    expect(await store.commands.open('a1')).toHaveLength(1);
    // and a session that is gone is not made again by its key
    await store.sessions.remove('s1');
    await operator.set(key!, JSON.stringify(taken));
    expect(await store.sessions.create(session({ id: 's4' }), command({ id: 'c4', session: 's4' }), ROOM, 'key')).toBe(
      'at_capacity',
    );
    expect(
      await store.sessions.create(session({ id: 's4' }), command({ id: 'c4', session: 's4' }), ROOM, 'key'),
    ).toMatchObject({ created: true, session: { id: 's4' } });
    operator.disconnect();
  });
});
