import { Duplex } from 'node:stream';

const CONTROL = 0x80;
const VERSION = 3;
const SYN_STREAM = 1;
const RST_STREAM = 3;
const PING = 6;
const GO_AWAY = 7;
const FIN = 1;
const HEAD_BYTES = 8;
/** A frame's length has 24 bits; what is written at once is cut to less than that. */
const WRITE_BYTES = 1024 * 1024;
const ERROR_STREAM = 1;
const DATA_STREAM = 3;
const ERROR_LIMIT = 4096;
/** Control frames of this protocol are small; bytes. */
const CONTROL_LIMIT = 64 * 1024;
/** Bytes taken from the network before somebody reads them. */
const READ_AHEAD = 256 * 1024;

const CLOSED = 'the API server closed the port-forward';

/**
 * The bytes of one forwarded port over a connection that speaks SPDY/3.1 (`portforward.k8s.io`): one stream for why it failed, one for
 * data, and nothing else of the protocol than these need. Kubernetes' servers know no flow control in it: the connection's own is all.
 * The end of one direction ends both.
 */
export class SpdyPortForward extends Duplex {
  readonly #transport: Duplex;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headHas = 0;
  /** Of the present frame: bytes to come, and what they are. */
  #left = 0;
  #of: 'data' | 'error' | 'control' | 'other' = 'other';
  #control: Buffer[] = [];
  #failure = '';
  /** Whether a byte came; and whether the server has said its last word on the stream of the data, and on that of why it failed. */
  #answered = false;
  #dataOver = false;
  #errorOver = false;
  #onOpened!: () => void;
  /** Resolves at the first byte: a screen speaks first, and before it nobody knows whether the pod's port answers. Rejects when it does not. */
  readonly opened: Promise<void>;

  /** `first`: bytes that came with the answer to the upgrade. */
  constructor(transport: Duplex, port: number, first: Buffer) {
    super({ allowHalfOpen: false, readableHighWaterMark: READ_AHEAD });
    this.#transport = transport;
    this.opened = new Promise((resolve, reject) => {
      this.#onOpened = resolve;
      this.once('error', reject);
      this.once('close', () => reject(new Error(CLOSED)));
    });
    this.opened.catch(() => undefined);
    transport.on('data', (chunk: Buffer) => this.#receive(chunk));
    transport.on('error', (error: Error) => this.destroy(error));
    transport.on('close', () => this.#closed());
    transport.on('end', () => this.#closed());
    const headers = (streamtype: string) => ({ port: String(port), requestid: '0', streamtype });
    transport.write(
      Buffer.concat([
        // nothing is said on it by us
        synStream(ERROR_STREAM, headers('error'), true),
        synStream(DATA_STREAM, headers('data'), false),
      ]),
    );
    if (first.length > 0) this.#receive(first);
  }

  #receive(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.destroyed;) {
      if (this.#headHas < HEAD_BYTES) {
        const taken = chunk.copy(this.#head, this.#headHas, at, at + HEAD_BYTES - this.#headHas);
        this.#headHas += taken;
        at += taken;
        if (this.#headHas < HEAD_BYTES) return;
        if (!this.#begin()) return;
      } else {
        const part = chunk.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#take(part);
      }
      if (this.#left === 0) this.#end();
    }
  }

  /** A frame's head is here; false when it is none. */
  #begin(): boolean {
    const head = this.#head;
    this.#left = head.readUIntBE(5, 3);
    if ((head[0]! & CONTROL) === 0) {
      const stream = head.readUInt32BE(0);
      this.#of = stream === DATA_STREAM ? 'data' : stream === ERROR_STREAM ? 'error' : 'other';
      return true;
    }
    this.#of = 'control';
    this.#control = [];
    if (head.readUInt16BE(0) === (CONTROL << 8) + VERSION && this.#left <= CONTROL_LIMIT) return true;
    this.destroy(new Error('port-forward: the server does not speak SPDY/3.1'));
    return false;
  }

  #take(part: Buffer): void {
    if (part.length === 0) return;
    if (this.#of === 'data') {
      this.#answered = true;
      this.#onOpened();
      if (!this.push(part)) this.#transport.pause();
    } else if (this.#of === 'error') this.#failure = (this.#failure + part.toString('utf8')).slice(0, ERROR_LIMIT);
    else if (this.#of === 'control') this.#control.push(part);
  }

  #end(): void {
    const fin = (this.#head[4]! & FIN) !== 0;
    this.#headHas = 0;
    switch (this.#of) {
      case 'error':
        this.#errorOver ||= fin;
        if (fin && (this.#failure !== '' || this.#dataOver)) this.#closed();
        return;
      case 'data':
        this.#dataOver ||= fin;
        // before the first byte the reason may be still to come: kubelets end the two streams in either order
        if (fin && (this.#answered || this.#errorOver)) this.#closed();
        return;
      case 'control':
        return this.#onControl(this.#head.readUInt16BE(2), Buffer.concat(this.#control), fin);
      case 'other':
    }
  }

  #onControl(type: number, body: Buffer, fin: boolean): void {
    if (type === PING && body.length === 4) {
      // those of even numbers are the server's, and want an answer
      if (body.readUInt32BE(0) % 2 === 0) this.#transport.write(control(PING, 0, body));
    } else if (type === RST_STREAM && body.length === 8 && body.readUInt32BE(0) === DATA_STREAM) {
      this.destroy(new Error(this.#failure || 'port-forward: the server broke the connection to the port'));
    } else if (type === GO_AWAY || (fin && body.length >= 4 && body.readUInt32BE(0) === DATA_STREAM)) this.#closed();
  }

  #closed(): void {
    if (this.destroyed) return;
    if (this.#failure !== '' || !this.#answered) {
      this.destroy(new Error(this.#failure || CLOSED));
      return;
    }
    // what was read stays to be read; nothing follows
    this.push(null);
    this.end();
  }

  override _read(): void {
    this.#transport.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    let at = 0;
    while (chunk.length - at > WRITE_BYTES) {
      this.#transport.write(dataHead(WRITE_BYTES));
      this.#transport.write(chunk.subarray(at, (at += WRITE_BYTES)));
    }
    this.#transport.write(dataHead(chunk.length - at));
    this.#transport.write(chunk.subarray(at), (error) => done(error ?? null));
  }

  override _final(done: () => void): void {
    this.#transport.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.removeAllListeners('data');
    this.#transport.on('error', () => undefined);
    this.#transport.destroy();
    done(error);
  }
}

function control(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = CONTROL;
  head[1] = VERSION;
  head.writeUInt16BE(type, 2);
  head[4] = flags;
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function dataHead(length: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(DATA_STREAM, 0);
  head.writeUIntBE(length, 5, 3);
  return head;
}

function synStream(id: number, headers: Readonly<Record<string, string>>, fin: boolean): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(id, 0);
  return control(SYN_STREAM, fin ? FIN : 0, Buffer.concat([fixed, headerBlock(headers, id === ERROR_STREAM)]));
}

/**
 * Names and values, as zlib wants them, uncompressed: all header blocks of a connection are one zlib stream, whose beginning goes with
 * the first. Stored blocks need neither a state of ours nor SPDY's dictionary; an empty one says that this is all for now.
 */
function headerBlock(headers: Readonly<Record<string, string>>, first: boolean): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const count = Buffer.alloc(4);
  count.writeUInt32BE(Object.keys(headers).length);
  const block = Buffer.concat([count, ...Object.entries(headers).flat().map(text)]);
  return Buffer.concat([first ? Buffer.of(0x78, 0x01) : Buffer.of(), stored(block), stored(Buffer.of())]);
}

function stored(data: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(data.length, 1);
  head.writeUInt16LE(~data.length & 0xffff, 3);
  return Buffer.concat([head, data]);
}
