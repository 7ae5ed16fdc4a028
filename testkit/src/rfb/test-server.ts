import { createHash, type Hash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

export interface RfbTestServerOptions {
  /** Unix socket path, or a TCP port on 127.0.0.1; a free port by default. */
  readonly listen?: string | number;
  /**
   * Behaviour of a connection after the handshake. `echo`: returns the viewer's bytes unchanged. `download`: bytes at
   * full speed, limited by the reader. `silent`: nothing.
   */
  readonly mode: 'echo' | 'download' | 'silent';
  /** False: no handshake, bytes from the first one on. */
  readonly handshake?: boolean;
  /** For `download`: end the connection after so many bytes; endless by default. */
  readonly bytes?: number;
  readonly name?: string;
  /** False: hashes stay those of nothing, and downloads go as fast as they can; true by default. */
  readonly hash?: boolean;
}

/** One viewer's connection as the server sees it. Bytes and hashes do not count the handshake. */
export interface RfbTestConnection {
  readonly received: number;
  readonly sent: number;
  /** SHA-256 of what was received or sent so far, hex. */
  receivedHash(): string;
  sentHash(): string;
  readonly closed: boolean;
  /** Bytes that wait in this server for the reader. */
  readonly waiting: number;
  write(bytes: Buffer): boolean;
  close(): void;
}

export interface RfbTestServer {
  /** Port, when it listens on TCP. */
  readonly port: number;
  readonly path: string | undefined;
  readonly connections: readonly RfbTestConnection[];
  close(): Promise<void>;
}

const BLOCK = 64 * 1024;

/** A stand-in for a session's screen: an RFB 3.8 handshake (any version, security None), then bytes. */
export async function rfbTestServer(options: RfbTestServerOptions): Promise<RfbTestServer> {
  const connections: Connection[] = [];
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    connections.push(new Connection(socket, options)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (typeof options.listen === 'string') server.listen(options.listen, resolve);
    else server.listen(options.listen ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    path: typeof address === 'string' ? address : undefined,
    connections,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.close();
      return closed;
    },
  };
}

class Connection implements RfbTestConnection {
  readonly #socket: Socket;
  readonly #options: RfbTestServerOptions;
  readonly #receivedHash: Hash = createHash('sha256');
  readonly #sentHash: Hash = createHash('sha256');
  /** Bytes of the viewer's handshake that are still to come: version, security type, init. */
  #handshake: Buffer = Buffer.alloc(0);
  #step: 'version' | 'security' | 'init' | 'open';
  #minor = 8;
  #block = 0;
  received = 0;
  sent = 0;
  closed = false;

  constructor(socket: Socket, options: RfbTestServerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#step = options.handshake === false ? 'open' : 'version';
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
    socket.on('close', () => (this.closed = true));
    if (this.#step === 'version') socket.write('RFB 003.008\n');
    else this.#opened();
  }

  get waiting(): number {
    return this.#socket.writableLength;
  }

  receivedHash(): string {
    return this.#receivedHash.copy().digest('hex');
  }

  sentHash(): string {
    return this.#sentHash.copy().digest('hex');
  }

  write(bytes: Buffer): boolean {
    this.sent += bytes.length;
    if (this.#options.hash !== false) this.#sentHash.update(bytes);
    return this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    while (this.#step !== 'open') {
      const need = this.#step === 'version' ? 12 : 1;
      const bytes = Buffer.concat([this.#handshake, rest]);
      if (bytes.length < need) {
        this.#handshake = bytes;
        return;
      }
      this.#handshake = Buffer.alloc(0);
      rest = bytes.subarray(need);
      this.#answer(bytes.subarray(0, need));
    }
    if (rest.length === 0) return;
    this.received += rest.length;
    if (this.#options.hash !== false) this.#receivedHash.update(rest);
    // the reader sets the pace: while it does not read, nothing is read from it either
    if (this.#options.mode === 'echo' && !this.write(rest)) this.#socket.pause();
  }

  #answer(bytes: Buffer): void {
    if (this.#step === 'version') {
      this.#minor = Number(bytes.toString('latin1', 8, 11));
      this.#step = this.#minor >= 7 ? 'security' : 'init';
      this.#socket.write(this.#minor >= 7 ? Buffer.from([1, 1]) : Buffer.from([0, 0, 0, 1]));
    } else if (this.#step === 'security') {
      this.#step = 'init';
      if (this.#minor >= 8) this.#socket.write(Buffer.alloc(4));
    } else {
      this.#step = 'open';
      const name = Buffer.from(this.#options.name ?? 'test');
      const init = Buffer.alloc(24);
      init.writeUInt16BE(640, 0);
      init.writeUInt16BE(480, 2);
      Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(init, 4);
      init.writeUInt32BE(name.length, 20);
      this.#socket.write(Buffer.concat([init, name]));
      this.#opened();
    }
  }

  #opened(): void {
    if (this.#options.mode === 'download') this.#pour();
  }

  #drained(): void {
    this.#socket.resume();
    if (this.#options.mode === 'download' && this.#step === 'open') this.#pour();
  }

  /** Blocks that differ from one another, so that a lost or doubled one changes the hash. */
  #pour(): void {
    const limit = this.#options.bytes ?? Infinity;
    while (this.sent < limit && !this.closed) {
      const block = Buffer.alloc(Math.min(BLOCK, limit - this.sent), this.#block & 255);
      if (block.length >= 4) block.writeUInt32BE(this.#block >>> 0);
      this.#block++;
      if (!this.write(block)) return;
    }
    if (this.sent >= limit) this.#socket.end();
  }
}
