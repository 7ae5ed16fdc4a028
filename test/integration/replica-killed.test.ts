import type { Accepted, Command, Session, Ticket } from '@streamspace/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../../bench/hub/cluster.ts';
import { type Channel, webSocketChannel } from '../../bench/load/channel.ts';
import { BenchProcess } from '../../bench/load/process.ts';
import type { Ports } from '../../bench/load/stack.ts';
import { Balancer } from '@streamspace/testkit';
import { ABOUT_SERVER, SERVER } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

/** More bytes than can have been in transit when the replica was killed. */
const MORE = 16 * 2 ** 20;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A page that watches a screen, and reconnects whenever its connection ends. */
class Page {
  bytes = 0;
  /** How often it had a screen. */
  screens = 0;
  readonly #over = new AbortController();
  readonly #open: () => Promise<Channel>;
  readonly #running: Promise<void>;

  constructor(open: () => Promise<Channel>) {
    this.#open = open;
    this.#running = this.#look();
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #look(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const channel = await this.#open().catch(() => undefined);
      if (channel === undefined) {
        await pause(50);
        continue;
      }
      let first = true;
      channel.onData((data) => {
        if (first) this.screens += 1;
        first = false;
        this.bytes += data.length;
      });
      while (!channel.closed && !this.#over.signal.aborted) await pause(10);
      channel.close();
    }
  }
}

describe.skipIf(SERVER === undefined)(`a replica of the hub is killed${ABOUT_SERVER}`, () => {
  let cluster: Cluster;
  let target: BenchProcess;
  let balancer: Balancer;
  beforeAll(async () => {
    target = BenchProcess.node('bench/load/target.ts');
    const ports = JSON.parse(await target.ready) as Ports;
    cluster = await Cluster.start(3);
    balancer = new Balancer(cluster.ports);
    await balancer.start();
    await until('the balancer sees all replicas', () => balancer.ready === 3);
    await cluster.agent(balancer.url, ports);
  });
  afterAll(async () => {
    balancer?.stop();
    await cluster?.stop();
    await target?.stop();
  });

  /** Repeats a request until it is answered, as a page does. */
  const ask = <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const port = Number(balancer.url.split(':')[1]);
    return until(
      `${method} ${path}`,
      () => cluster.call<T>(port, method, path, body) as Promise<NonNullable<T>>,
    ) as Promise<T>;
  };

  it('[I6] [WIRE6] whichever it is, a viewer sees its session again: by another replica, without the killed one', async () => {
    const { session, command } = await ask<Accepted>('POST', '/sessions', { template: 'busy' });
    await until('it runs', async () => (await ask<Command>('GET', `/commands/${command.id}`)).state === 'completed');
    const page = new Page(async () => {
      const { url } = await ask<Ticket>('POST', `/sessions/${session.id}/ticket`, {});
      return webSocketChannel(`ws://${balancer.url}${url}`);
    });
    try {
      await until('a picture', () => page.bytes > 0);
      const killed: string[] = [];
      for (const hub of cluster.hubs) {
        await hub.program.kill();
        killed.push(hub.program.name);
        const before = page.bytes;
        await until(`a picture without ${hub.program.name}`, () => page.bytes > before + MORE, 40_000);
        const now = await ask<Session>('GET', `/sessions/${session.id}`);
        expect(now).toMatchObject({ id: session.id, state: 'running' });
        hub.program.start();
        await cluster.ready(hub.port);
      }
      expect(killed).toEqual(['hub-1', 'hub-2', 'hub-3']);
      // one of the three held the agent: the screen had to be reopened
      expect(page.screens).toBeGreaterThan(1);
    } finally {
      await page.close();
    }
  }, 240_000);
});
