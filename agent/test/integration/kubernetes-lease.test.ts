import { KubeConfig } from '@kubernetes/client-node';
import { connect, createServer, type Server, type Socket, type AddressInfo } from 'node:net';
import { kubeApiserverMissing } from '@streamspace/testkit';
import { systemClock } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leadersIn, soon } from './kubernetes-leaders.ts';
import { until } from './kubernetes-place.ts';

const missing = kubeApiserverMissing();

/** A way to the API server that can be cut: what is sent meanwhile stays with the sender's kernel, which delivers it later unless it is told not to. */
class Way {
  readonly #server: Server;
  readonly #senders = new Set<Socket>();
  #cut = false;
  /** Senders that took back what waits. */
  resets = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(target: URL): Promise<Way> {
    const server = createServer();
    const way = new Way(server);
    server.on('connection', (sender) => {
      const receiver = connect(Number(target.port), target.hostname);
      sender.on('error', () => (way.resets += 1));
      receiver.on('error', () => undefined);
      // a reset loses what waits, as with a real cut
      sender.on('data', (data) => receiver.write(data));
      receiver.pipe(sender);
      // the server answers a request before it hears that nobody waits for the answer
      sender.on('close', () => setTimeout(() => receiver.destroy(), 2_000));
      way.#senders.add(sender.on('close', () => way.#senders.delete(sender)));
      if (way.#cut) sender.pause();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes that wait for the cut's end. */
  get waiting(): number {
    return [...this.#senders].reduce((sum, { readableLength }) => sum + readableLength, 0);
  }

  cut(): void {
    this.#cut = true;
    for (const sender of this.#senders) sender.pause();
  }

  heal(): void {
    this.#cut = false;
    for (const sender of this.#senders) sender.resume();
  }

  close(): void {
    for (const sender of this.#senders) sender.destroy();
    this.#server.close();
  }
}

describe.skipIf(missing !== undefined)(`a leader cut from the API server${missing ? `: ${missing}` : ''}`, () => {
  const suite = leadersIn('lease');
  const { spec, op, left } = suite;
  let way: Way;
  let kubeConfig: KubeConfig;
  beforeEach(async () => {
    kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(suite.server.kubeconfig('lease'));
    const [cluster] = kubeConfig.clusters;
    way = await Way.open(new URL(cluster!.server));
    kubeConfig.clusters = [{ ...cluster!, server: `https://127.0.0.1:${way.port}` }];
  });
  afterEach(() => way.close());

  it('writes nothing after its lease has run out: what was on its way does not arrive when the network is mended', async () => {
    let valid = true;
    const { driver, news } = suite.leader({
      kubeConfig,
      leaseUntil: () => (valid ? systemClock.monotonic() + 200 : 0),
    });
    // pods and Services are in sight
    await driver.create(spec(), op());
    const one = spec();
    way.cut();
    const created = driver.create(one, op());
    // the write is on its way, in the kernel
    await until(async () => way.waiting > 0, soon());
    valid = false;
    const reason = () => news.findLast((each) => each.id === one.id)?.status?.reason;
    await until(async () => /lease could not be renewed/.test(reason() ?? '') && way.resets > 0, soon());
    way.heal();
    // what this one's own reads need comes by the same way: all that was held has arrived before they are answered
    const arrived = await driver.list(soon());
    expect(arrived.some(({ spec: { id } }) => id === one.id)).toBe(false);
    expect(await left(one.id)).toEqual([]);
    // nobody took the lease: it goes on
    valid = true;
    expect(await created).toEqual({ spec: one, state: 'running' });
  });
});
