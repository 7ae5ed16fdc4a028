import { afterEach, describe, expect, it, vi } from 'vitest';
import { claim, command, session } from '../support/records.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { eventually, RedisProcess, SERVER, ABOUT_SERVER } from '../support/redis-programs.ts';
import { Creating, RedisScene } from '../support/redis-stores.ts';

const event = (n: number) =>
  ({ at: '', type: 'session.updated', agent: null, session: null, user: null, data: { n } }) as const;

describe.skipIf(SERVER === undefined)(`redis store: Cluster${ABOUT_SERVER}`, () => {
  const scene = new RedisScene();
  let cluster: RedisCluster;
  afterEach(async () => {
    await scene.end();
    await cluster.stop();
  });

  /** Agents a1, a2, … until every node has some. */
  const spread = async (): Promise<Map<number, string[]>> => {
    const at = new Map<number, string[]>();
    for (let n = 1; at.size < 3; n += 1) {
      const holder = await cluster.holder(`ss:{agent:a${n}}`);
      at.set(holder, [...(at.get(holder) ?? []), `a${n}`]);
    }
    return at;
  };

  it('[CMD2] loses nothing that was accepted while an agent moves to another node', async () => {
    cluster = await RedisCluster.start();
    const store = scene.store({ url: cluster.url });
    await store.agents.claim(claim({ term: 7 }));
    const creating = new Creating(store);
    await creating.more(100);
    const key = 'ss:{agent:a1}';
    const to = ((await cluster.holder(key)) + 1) % 3;
    await cluster.move(key, to);
    await creating.more(100);
    await creating.stop();
    expect(await creating.lost()).toEqual([]);
    expect(await store.agents.get('a1')).toMatchObject({ term: 7 });
    await cluster.withAll(async (clients) => expect(await clients[to]!.hget(key, 'term')).toBe('7'));
  });

  it('[CMD2] loses nothing that was accepted when nodes are killed and start again; the other nodes go on', async () => {
    cluster = await RedisCluster.start();
    await cluster.withAll((clients) =>
      Promise.all(
        clients.map(async (client) => {
          await client.config('SET', 'cluster-require-full-coverage', 'no');
          await client.config('SET', 'appendfsync', 'always');
        }),
      ),
    );
    const store = scene.store({ url: cluster.url });
    const agents = [...(await spread()).entries()];
    for (const [holder, [agentId]] of agents) {
      await store.agents.claim(claim({ agentId: agentId!, term: holder + 1 }));
      await store.sessions.adopt(session({ id: `s-${agentId}`, agent: agentId! }));
    }
    const creating = new Creating(
      store,
      agents.map(([, [agentId]]) => agentId!),
    );
    await creating.more(50);
    const [[victim, [away]], [, [there]]] = agents as [[number, [string]], [number, [string]]];
    await cluster.nodes[victim]!.kill();
    await eventually('a refusal', async () => creating.refused.length > 0);
    await eventually('what is on another node can be read', () =>
      store.agents.get(there).then(
        (agent) => agent?.connected === true,
        () => false,
      ),
    );
    await expect(store.agents.get(away)).rejects.toMatchObject({ code: 'store_unavailable' });
    await cluster.nodes[victim]!.resume();
    await cluster.whole();
    await creating.more(50);
    await creating.stop();
    expect(await creating.lost()).toEqual([]);
  });

  it('follows events and hears signals after their node was killed', async () => {
    cluster = await RedisCluster.start();
    const [store, other] = [scene.store({ url: cluster.url }), scene.store({ url: cluster.url })];
    const seen: number[] = [];
    const gaps = vi.fn<() => void>();
    const heard: string[] = [];
    const over = new AbortController();
    store.events.subscribe(({ data }) => seen.push(data.n as number), over.signal);
    store.signals.subscribe('http://hub', ({ agent }) => heard.push(agent), gaps, over.signal);
    await store.events.append(event(0));
    await vi.waitFor(() => expect(seen).toEqual([0]), 10_000);
    await vi.waitFor(() => expect(gaps).toHaveBeenCalled(), 10_000);
    const returned = vi.fn<() => void>();
    store.onReturn(returned, over.signal);
    const node = cluster.nodes[await cluster.holder('ss:{events}')]!;
    await node.kill();
    await node.resume();
    await cluster.whole();
    await eventually('an event is appended', () =>
      other.events.append(event(1)).then(
        () => true,
        () => false,
      ),
    );
    await vi.waitFor(() => expect(seen).toContain(1), 20_000);
    await vi.waitFor(() => expect(returned).toHaveBeenCalled(), 20_000);
    await eventually('a signal is heard', async () => {
      await other.signals.send('http://hub', { type: 'wake', agent: 'a1' }).catch(() => undefined);
      return heard.length > 0;
    });
    over.abort();
  });

  it('waits for replicas of the node that has the agent', async () => {
    cluster = await RedisCluster.start();
    const store = scene.store({ url: cluster.url, waitReplicas: 1, waitMs: 200 });
    const [here, there] = [...(await spread()).entries()] as [[number, [string]], [number, [string]]];
    const replica = await scene.server(
      RedisProcess.start(['cluster-enabled yes', 'cluster-config-file nodes.conf', 'cluster-node-timeout 1000']),
    );
    const follower = replica.client();
    await cluster.withAll(async (clients) => {
      const id = (await clients[here[0]]!.call('CLUSTER', 'MYID')) as string;
      await follower.call('CLUSTER', 'MEET', '127.0.0.1', cluster.nodes[0]!.port);
      await eventually('the replica follows', () =>
        follower.call('CLUSTER', 'REPLICATE', id).then(
          () => true,
          () => false,
        ),
      );
    });
    follower.disconnect();
    const at = (agent: string, id: string) => store.commands.append(command({ id, agent, session: null }));
    await eventually('a command is accepted', () =>
      at(here[1][0], 'c1').then(
        () => true,
        () => false,
      ),
    );
    await expect(at(there[1][0], 'c2')).rejects.toMatchObject({ code: 'store_unavailable' });
    await store.commands.next(here[1][0], 0, 1, 'lasting');
    await expect(store.commands.next(there[1][0], 0, 1, 'lasting')).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect((await store.commands.open(here[1][0])).length).toBeGreaterThan(0);
  });
});
