import { createServer, type Server, type Socket } from 'node:net';
import { CONTROL_LINE, type HostState } from '../host-messages.ts';
import { lineReader } from '../lines.ts';

/** Most connections at once: a few from each replica of the agent. */
const CONNECTIONS = 64;

/** The host's end of the control socket: reports its state to every connection, and accepts `stop`. */
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

  /** False: the path is taken by a live or dead host. Binding is atomic: only one of several hosts succeeds. */
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

  /** Ends all connections after the sent messages have left; removes the socket. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }

  /**
   * Resolves when the sent messages have left. Closes nothing: the kernel closes the connections at the end of this process, so the end of a
   * connection means the end of the process.
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
