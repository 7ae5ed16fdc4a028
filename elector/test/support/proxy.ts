import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  frozen: boolean;
  /** When the client last sent something. */
  askedAt: number;
  /** Answers that nobody had just asked for: this is a watch. */
  unasked: number;
}

/** An answer that comes later than this after the last request is an event of a watch. */
const ANSWER_MS = 150;

/** A TCP proxy in front of the API server that can swallow what the server says while all connections look alive. */
export class TcpProxy {
  port = 0;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #freezeNew = false;

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    proxy.port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** How many connections carry a watch, as far as their traffic tells. */
  get watches(): number {
    return [...this.#pairs].filter(({ unasked, frozen }) => unasked >= 2 && !frozen).length;
  }

  /** From now on the watches that exist are silent. New connections work. */
  freezeWatches(): void {
    for (const pair of this.#pairs) if (pair.unasked >= 2) pair.frozen = true;
  }

  /** What the server says is held back until {@link release}: late, in order, nothing lost. */
  hold(): void {
    for (const { far } of this.#pairs) far.pause();
  }

  release(): void {
    for (const { far } of this.#pairs) far.resume();
  }

  /** From now on nothing comes through, either way; connections stay open. */
  freezeAll(): void {
    this.#freezeNew = true;
    for (const pair of this.#pairs) pair.frozen = true;
  }

  /** New connections work again; those that were frozen stay so. */
  heal(): void {
    this.#freezeNew = false;
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    const pair: Pair = { near, far, frozen: this.#freezeNew, askedAt: performance.now(), unasked: 0 };
    this.#pairs.add(pair);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('data', (chunk) => {
      pair.askedAt = performance.now();
      pair.unasked = 0;
      if (!pair.frozen) far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (performance.now() - pair.askedAt > ANSWER_MS) pair.unasked++;
      if (!pair.frozen) near.write(chunk);
    });
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('close', end);
    near.on('error', end);
    // a frozen connection stays open whatever the server does
    far.on('close', () => !pair.frozen && end());
    far.on('error', () => !pair.frozen && end());
  }
}
