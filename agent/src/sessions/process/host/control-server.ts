import { createServer, type Server, type Socket } from 'node:net';
import { CONTROL_LINE, type HostState } from '../host-messages.ts';
import { lineReader } from '../lines.ts';

/** Connections at once: replicas of one agent, each with a few. */
const CONNECTIONS = 64;

/** The host's end of the control socket: says its state to everyone who connects, and takes `stop`. */
export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #onStop: () => void;
  #line = '';

  constructor(onStop: () => void) {
    this.#onStop = onStop;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = CONNECTIONS;
  }

  /** False: the path is taken, by a live host or by one that is dead. Binding is atomic: one of several hosts gets it. */
  listen(path: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
      this.#server.listen(path, () => resolve(true));
    });
  }

  tell(state: HostState): void {
    this.#line = `${JSON.stringify(state)}\n`;
    for (const socket of this.#sockets) socket.write(this.#line);
  }

  /** Ends all connections after what was told has been sent; removes the socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }

  /**
   * Resolves when what was told has been sent. Nothing is closed: the kernel does that at the end of this process, and so whoever waits for
   * the end of a connection waits for the end of the process.
   */
  async flush(): Promise<void> {
    const sent = (socket: Socket) =>
      new Promise<void>((resolve) => {
        socket.once('close', resolve);
        socket.write('', () => resolve());
      });
    await Promise.all([...this.#sockets].map(sent));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const read = lineReader(CONTROL_LINE, (line) => {
      if (isStop(line)) this.#onStop();
    });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      if (!read(chunk)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#line !== '') socket.write(this.#line);
  }
}

function isStop(line: string): boolean {
  try {
    return (JSON.parse(line) as { type?: unknown } | null)?.type === 'stop';
  } catch {
    return false;
  }
}
