import { Duplex } from 'node:stream';

const HEADER = 8;
const STDERR = 2;
const ERROR_LIMIT = 4_096;

/**
 * Standard input and output of a process without a terminal, over one connection: what comes out is framed (stream, three zeros, length),
 * what goes in is not. What it says on standard error becomes the error with which the stream ends.
 */
export class ProcessStream extends Duplex {
  readonly #socket: Duplex;
  readonly #header = Buffer.alloc(HEADER);
  #headerHas = 0;
  /** Bytes of the frame that are still to come. */
  #left = 0;
  #words = '';

  constructor(socket: Duplex) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!this.#take(chunk)) socket.pause();
    });
    socket.on('end', () => this.#over());
    socket.on('close', () => this.#over());
    socket.on('error', (error) => this.destroy(error));
  }

  /** False when its reader is behind. */
  #take(chunk: Buffer): boolean {
    let room = true;
    for (let at = 0; at < chunk.length;) {
      if (this.#left === 0) {
        const part = chunk.subarray(at, at + HEADER - this.#headerHas);
        part.copy(this.#header, this.#headerHas);
        this.#headerHas += part.length;
        at += part.length;
        if (this.#headerHas < HEADER) break;
        this.#headerHas = 0;
        this.#left = this.#header.readUInt32BE(4);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#header[0] === STDERR) this.#words = (this.#words + part.toString('utf8')).slice(-ERROR_LIMIT);
      else if (!this.push(part)) room = false;
    }
    return room;
  }

  #over(): void {
    if (this.destroyed || this.readableEnded) return;
    if (this.#words.trim() !== '') this.destroy(new Error(this.#words.trim()));
    else this.push(null);
  }

  override _read(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.removeAllListeners('data');
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
    done(error);
  }
}
