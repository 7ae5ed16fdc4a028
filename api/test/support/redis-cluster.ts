import type { Redis } from 'ioredis';
import { eventually, RedisProcess } from './redis-programs.ts';

const SLOTS = 16_384;

/** A Cluster of three primaries. */
export class RedisCluster {
  readonly nodes: readonly RedisProcess[];

  static async start(): Promise<RedisCluster> {
    const settings = [
      'cluster-enabled yes',
      'cluster-config-file nodes.conf',
      'cluster-node-timeout 1000',
      'appendonly yes',
    ];
    const nodes = await Promise.all([1, 2, 3].map(() => RedisProcess.start(settings)));
    const cluster = new RedisCluster(nodes);
    await cluster.withAll(async (clients) => {
      for (const [index, client] of clients.entries()) {
        const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / nodes.length));
        await client.call('CLUSTER', 'ADDSLOTSRANGE', from!, to! - 1);
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      }
      for (const { port } of nodes) await clients[0]!.call('CLUSTER', 'MEET', '127.0.0.1', port);
    });
    await cluster.whole();
    return cluster;
  }

  private constructor(nodes: readonly RedisProcess[]) {
    this.nodes = nodes;
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Resolves when every node says that all is well. */
  async whole(): Promise<void> {
    await this.withAll((clients) =>
      eventually('the Cluster is whole', async () => {
        const infos = await Promise.all(clients.map(async (client) => String(await client.call('CLUSTER', 'INFO'))));
        return infos.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'));
      }),
    );
  }

  async withAll<T>(work: (clients: Redis[]) => Promise<T>): Promise<T> {
    const clients = this.nodes.map((node) => node.client());
    try {
      return await work(clients);
    } finally {
      for (const client of clients) client.disconnect();
    }
  }

  async empty(): Promise<void> {
    await this.withAll((clients) => Promise.all(clients.map((client) => client.flushall())));
  }

  /** Which of the nodes has the key's slot. */
  async holder(key: string): Promise<number> {
    return this.withAll(async ([client]) => {
      const slot = Number(await client!.call('CLUSTER', 'KEYSLOT', key));
      return Math.min(this.nodes.length - 1, Math.floor((slot * this.nodes.length) / SLOTS));
    });
  }

  /** Moves the key's slot with all that is in it, as an operator does, while it is used. */
  async move(key: string, to: number): Promise<void> {
    const from = await this.holder(key);
    await this.withAll(async (clients) => {
      const [source, target] = [clients[from]!, clients[to]!];
      const slot = Number(await source.call('CLUSTER', 'KEYSLOT', key));
      const [sourceId, targetId] = (await Promise.all(
        [source, target].map((client) => client.call('CLUSTER', 'MYID')),
      )) as [string, string];
      await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
      await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
      for (;;) {
        const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
        if (keys.length === 0) break;
        await source.call('MIGRATE', '127.0.0.1', this.nodes[to]!.port, '', 0, 5_000, 'KEYS', ...keys);
      }
      for (const client of [target, source, ...clients])
        await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}
