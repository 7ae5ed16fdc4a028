import { type AddressInfo, connect, createServer, type Server } from 'node:net';

/** Milliseconds between two readiness checks of a hub, and for its answer. */
const LOOK_MS = 300;

/** A load balancer in front of hub replicas: sends each connection to one that was recently ready, as a Service does. */
export class Balancer {
  readonly #ports: readonly number[];
  #ready: number[] = [];
  #server!: Server;
  readonly #over = new AbortController();

  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  get url(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get ready(): number {
    return this.#ready.length;
  }

  async start(): Promise<void> {
    this.#server = createServer((client) => {
      const port = this.#ready[Math.floor(Math.random() * this.#ready.length)];
      if (port === undefined) return void client.destroy();
      const hub = connect({ port, host: '127.0.0.1', noDelay: true });
      client.setNoDelay(true);
      client.pipe(hub).pipe(client);
      for (const [one, another] of [
        [client, hub],
        [hub, client],
      ] as const) {
        one.on('error', () => another.destroy());
        one.on('close', () => another.destroy());
      }
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    void this.#look();
  }

  stop(): void {
    this.#over.abort();
    this.#server.close();
  }

  async #look(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const answers = await Promise.all(
        this.#ports.map((port) =>
          fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(LOOK_MS) }).then(
            (answer) => answer.ok,
            () => false,
          ),
        ),
      );
      this.#ready = this.#ports.filter((_port, index) => answers[index]);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
