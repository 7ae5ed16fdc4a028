import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy that knows CONNECT only, and names of its own: whatever is asked for leads to one port here. */
export class ConnectProxy {
  /** `host:port` of each CONNECT. */
  readonly asked: string[] = [];
  /** Requests that were not CONNECT. */
  plain = 0;
  refuse: number | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(target: () => number) {
    this.#server = createServer((_, response) => {
      this.plain++;
      response.writeHead(405).end();
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('connect', (request, client: Socket, head) => {
      this.asked.push(request.url!);
      if (this.refuse !== undefined) return client.end(`HTTP/1.1 ${this.refuse} No\r\ncontent-length: 0\r\n\r\n`);
      const upstream = connect(target(), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [client, upstream]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
        });
      }
      return undefined;
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get sockets(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
