import { afterEach, describe, expect, it } from 'vitest';
import { claim, command, ROOM, session } from '../support/records.ts';
import { eventually, RedisProcess, SERVER, ABOUT_SERVER } from '../support/redis-programs.ts';
import { Creating, RedisScene } from '../support/redis-stores.ts';

describe.skipIf(SERVER === undefined)(`redis store: Sentinel${ABOUT_SERVER}`, () => {
  const scene = new RedisScene();
  afterEach(() => scene.end());

  /** A primary, a replica, three Sentinels that know of them. */
  const replicated = async () => {
    const primary = await scene.server(RedisProcess.start(['appendonly yes']));
    const replica = await scene.server(RedisProcess.start([`replicaof 127.0.0.1 ${primary.port}`]));
    const sentinels = await Promise.all(
      [1, 2, 3].map(() =>
        scene.server(
          RedisProcess.start(
            [
              `sentinel monitor main 127.0.0.1 ${primary.port} 2`,
              'sentinel down-after-milliseconds main 500',
              'sentinel failover-timeout main 2000',
            ],
            { mode: 'sentinel' },
          ),
        ),
      ),
    );
    const asked = sentinels[0]!.client();
    await eventually('the Sentinels know each other and the replica', async () => {
      const [, , ...flat] = (await asked.call('SENTINEL', 'MASTER', 'main')) as string[];
      const told = Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])));
      return told['num-slaves'] === '1' && told['num-other-sentinels'] === '2';
    });
    const follows = replica.client();
    await eventually('the replica follows', async () =>
      (await follows.info('replication')).includes('master_link_status:up'),
    );
    asked.disconnect();
    follows.disconnect();
    const url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`;
    return { primary, replica, url };
  };

  it('[CMD2] loses nothing that was accepted when the primary is killed and its replica takes over', async () => {
    const { primary, replica, url } = await replicated();
    const store = scene.store({ url, waitReplicas: 1 });
    await store.agents.claim(claim({ term: 7 }));
    const creating = new Creating(store);
    const seen: number[] = [];
    const over = new AbortController();
    store.events.subscribe(({ id }) => seen.push(id), over.signal);
    let returned = 0;
    store.onReturn(() => (returned += 1), over.signal);
    await creating.more(100);
    expect(returned).toBe(0);
    await primary.kill();
    // there is no replica now: nothing may be accepted, but what was is there
    const promoted = replica.client();
    await eventually('the replica is the primary', async () =>
      (await promoted.info('replication')).includes('role:master'),
    );
    promoted.disconnect();
    await eventually('the store can be read', () =>
      store.agents.get('a1').then(
        () => true,
        () => false,
      ),
    );
    expect(await creating.lost()).toEqual([]);
    expect(returned).toBeGreaterThan(0);
    expect(await store.agents.claim(claim({ term: 6, replica: 'r2' })).catch(() => 'unavailable')).not.toMatchObject({
      accepted: true,
    });
    // the old one comes again, as a replica
    await primary.resume();
    await creating.more(100);
    await creating.stop();
    expect(await creating.lost()).toEqual([]);
    expect(creating.refused).toEqual(
      creating.refused.map(() => expect.objectContaining({ code: 'store_unavailable' }) as unknown),
    );
    const before = seen.at(-1) ?? 0;
    await eventually('events go on', async () => {
      await store.events.append({ at: '', type: 'session.updated', agent: null, session: null, user: null, data: {} });
      return (seen.at(-1) ?? 0) > before;
    });
    over.abort();
  });

  it('goes to the new primary when the old one freezes, and does not come back to it', async () => {
    const { primary, replica, url } = await replicated();
    const store = scene.store({ url });
    await store.agents.claim(claim({ term: 7 }));
    primary.signal('SIGSTOP');
    await eventually('another primary', () =>
      store.agents.claim(claim({ term: 8 })).then(
        () => true,
        () => false,
      ),
    );
    primary.signal('SIGCONT');
    const old = primary.client();
    await eventually('the old one is a replica', async () => (await old.info('replication')).includes('role:slave'));
    old.disconnect();
    expect(await store.agents.claim(claim({ term: 9 }))).toMatchObject({ accepted: true, term: 9 });
    const now = replica.client();
    expect(await now.hget('ss:{agent:a1}', 'term')).toBe('9');
    now.disconnect();
  });

  it('[CMD2] accepts nothing while fewer replicas than wanted have it', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url, waitReplicas: 1, waitMs: 50 });
    await expect(store.sessions.create(session(), command(), ROOM)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await expect(store.commands.append(command({ id: 'c2' }))).rejects.toMatchObject({ code: 'store_unavailable' });
    const replica = await scene.server(RedisProcess.start([`replicaof 127.0.0.1 ${server.port}`]));
    await eventually('the replica follows', () =>
      store.commands.append(command({ id: 'c3' })).then(
        () => true,
        () => false,
      ),
    );
    await replica.kill();
    await eventually('the primary has seen it go', () =>
      store.commands.append(command({ id: 'c4' })).then(
        () => false,
        () => true,
      ),
    );
  });

  it('[CMD1] ends of commands are stored without a replica, too, however many at once', async () => {
    const server = await scene.server(RedisProcess.start());
    const plain = scene.store({ url: server.url });
    await plain.agents.claim(claim());
    const ids = Array.from({ length: 200 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => plain.commands.append(command({ id, session: null }))));
    const store = scene.store({ url: server.url, waitReplicas: 1, waitMs: 1_000 });
    const ends = await Promise.all(ids.map((id) => store.commands.finish(id, null, { state: 'completed' }, '')));
    expect(ends.map((end) => end?.command.state)).toEqual(ids.map(() => 'completed'));
    expect(await plain.commands.open('a1')).toEqual([]);
  });

  it('[CMD5] says whether an end is on a replica, and what is there: one wait for all who ask while it is missing', async () => {
    const server = await scene.server(RedisProcess.start());
    const store = scene.store({ url: server.url, waitReplicas: 1, waitMs: 200 });
    const plain = scene.store({ url: server.url });
    await plain.agents.claim(claim());
    await plain.commands.append(command({ id: 'c1', session: null }));
    const end = (id: string) => store.commands.finish(id, null, { state: 'completed' }, '');
    expect(await end('c1')).toMatchObject({ command: { state: 'completed' }, settled: false });
    const agents = Array.from({ length: 50 }, (_, n) => `a${n}`);
    const waits = await Promise.allSettled(agents.map((agent) => store.commands.next(agent, 0, 1, 'lasting')));
    expect(waits.map(({ status }) => status)).toEqual(agents.map(() => 'rejected'));
    const its = server.client();
    // two: the first one's, and one for those who came while that was under way
    expect(await its.info('commandstats')).toMatch(/cmdstat_exists:calls=2,/);
    its.disconnect();
    await scene.server(RedisProcess.start([`replicaof 127.0.0.1 ${server.port}`]));
    await eventually('everything is on the replica', async () => {
      const tries = await Promise.allSettled(agents.map((agent) => store.commands.next(agent, 0, 1, 'lasting')));
      return tries.every(({ status }) => status === 'fulfilled');
    });
    let next = 1;
    await eventually('ends wait for it again', async () => {
      const id = `c${(next += 1)}`;
      await plain.commands.append(command({ id, session: null }));
      return (await end(id))?.settled === true;
    });
  });
});
