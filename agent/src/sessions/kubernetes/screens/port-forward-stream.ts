import { Duplex } from 'node:stream';
import type WebSocket from 'ws';

const DATA = 0;
const ERROR = 1;
/** The first two bytes of each channel are the port. */
const PORT_BYTES = 2;
const ERROR_LIMIT = 4096;
/** Bytes read ahead from the network: each pause costs a turn of the event loop. */
const READ_AHEAD = 256 * 1024;

/**
 * The bytes of one forwarded port. A slow reader stops the reading from the network; a write waits until its bytes are sent. The protocol has
 * no half-close: the end of one direction ends both.
 */
export class PortForwardStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #headerLeft = [PORT_BYTES, PORT_BYTES];
  #failure = '';
  #onOpened!: () => void;
  /** Resolves at the first byte: a screen sends first, and only that byte proves that the pod's port answers. Rejects if none comes. */
  readonly opened: Promise<void>;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false, readableHighWaterMark: READ_AHEAD });
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      this.#onOpened = resolve;
      this.once('error', reject);
      this.once('close', () => reject(new Error('the API server closed the port-forward')));
    });
    this.opened.catch(() => undefined);
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => this.#receive(data as Buffer));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.#closed());
  }

  #receive(message: Buffer): void {
    const channel = message[0];
    if (channel !== DATA && channel !== ERROR) {
      this.destroy(new Error(`port-forward: unknown channel ${channel}`));
      return;
    }
    const skipped = Math.min(this.#headerLeft[channel]!, message.length - 1);
    this.#headerLeft[channel]! -= skipped;
    const data = message.subarray(1 + skipped);
    if (channel === ERROR) {
      this.#failure = (this.#failure + data.toString('utf8')).slice(0, ERROR_LIMIT);
      if (data.length > 0) this.destroy(new Error(this.#failure));
      return;
    }
    if (data.length === 0) return;
    this.#onOpened();
    if (!this.push(data)) this.#socket.pause();
  }

  #closed(): void {
    if (this.destroyed) return;
    this.push(null);
    this.destroy();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const frame = Buffer.allocUnsafe(chunk.length + 1);
    frame[0] = DATA;
    chunk.copy(frame, 1);
    this.#socket.send(frame, { binary: true, compress: false }, (error) => done(error ?? null));
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.removeAllListeners('message');
    // a paused socket would never see the other end's answer to a close
    this.#socket.on('error', () => undefined);
    this.#socket.terminate();
    done(error);
  }
}
