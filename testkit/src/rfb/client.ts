import { whenAborted, outcomeOf } from 'clock-port';
import type { Duplex } from 'node:stream';
import { ByteReader } from './byte-reader.ts';
import { decodeHextile } from './hextile.ts';
import { Picture, type Region } from './picture.ts';

export interface RfbClientOptions {
  /** Minor version to claim; 8 by default. */
  readonly minor?: 3 | 7 | 8;
  /** Encodings to ask for, best first; hextile, raw and desktop size by default. */
  readonly encodings?: readonly number[];
}

const RAW = 0;
const COPY_RECT = 1;
const HEXTILE = 5;
const DESKTOP_SIZE = -223;
const CURSOR = -239;

/**
 * A viewer without a window: does the handshake, keeps the picture up to date (one update request is always pending, as real
 * viewers do), and sends keys, pointer and clipboard. Pixels are 32-bit true colour. For tests.
 */
export class RfbClient {
  readonly #stream: Duplex;
  readonly #reader: ByteReader;
  readonly #encodings: readonly number[];
  readonly #listeners = new Set<() => void>();
  #failure: Error | undefined;
  #updates = 0;
  /** What the server speaks, e.g. `RFB 003.008`. */
  readonly serverVersion: string;
  readonly name: string;
  picture: Picture;
  /** Last text that the server put into the clipboard. */
  clipboard: string | undefined;
  /** Shape of the pointer as the server sent it, if it did. */
  cursor: Picture | undefined;

  private constructor(
    stream: Duplex,
    reader: ByteReader,
    options: RfbClientOptions,
    init: { version: string; name: string; picture: Picture },
  ) {
    this.#stream = stream;
    this.#reader = reader;
    this.#encodings = options.encodings ?? [HEXTILE, COPY_RECT, RAW, DESKTOP_SIZE];
    this.serverVersion = init.version;
    this.name = init.name;
    this.picture = init.picture;
  }

  /** Handshake (security None), first full update requested. Rejects with the server's reason, or when the stream ends or the signal aborts. */
  static async open(stream: Duplex, signal: AbortSignal, options: RfbClientOptions = {}): Promise<RfbClient> {
    const forget = whenAborted(signal, () => stream.destroy(signal.reason as Error));
    try {
      signal.throwIfAborted();
      const reader = new ByteReader(stream);
      const client = new RfbClient(stream, reader, options, await handshake(stream, reader, options.minor ?? 8));
      client.#start();
      return client;
    } finally {
      forget();
    }
  }

  /** Updates received so far. */
  get updates(): number {
    return this.#updates;
  }

  get bytesReceived(): number {
    return this.#reader.taken;
  }

  /** Why the connection ended; undefined while it has not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  key(keysym: number, down: boolean): void {
    const bytes = Buffer.alloc(8);
    bytes[0] = 4;
    bytes[1] = down ? 1 : 0;
    bytes.writeUInt32BE(keysym, 4);
    this.#stream.write(bytes);
  }

  /** Presses and releases a key for each character; newline is Return. */
  type(text: string): void {
    for (const char of text) {
      const code = char.codePointAt(0)!;
      const keysym = char === '\n' ? 0xff0d : code < 0x100 ? code : 0x01000000 + code;
      this.key(keysym, true);
      this.key(keysym, false);
    }
  }

  pointer(x: number, y: number, buttons = 0): void {
    const bytes = Buffer.alloc(6);
    bytes[0] = 5;
    bytes[1] = buttons;
    bytes.writeUInt16BE(x, 2);
    bytes.writeUInt16BE(y, 4);
    this.#stream.write(bytes);
  }

  cutText(text: string): void {
    const latin = Buffer.from(text, 'latin1');
    const bytes = Buffer.alloc(8);
    bytes[0] = 6;
    bytes.writeUInt32BE(latin.length, 4);
    this.#stream.write(Buffer.concat([bytes, latin]));
  }

  requestUpdate(incremental: boolean): void {
    const bytes = Buffer.alloc(10);
    bytes[0] = 3;
    bytes[1] = incremental ? 1 : 0;
    bytes.writeUInt16BE(this.picture.width, 6);
    bytes.writeUInt16BE(this.picture.height, 8);
    this.#stream.write(bytes);
  }

  /** Resolves as soon as `holds` does, looked at now and after every message from the server. Rejects when the connection ends or the signal aborts. */
  until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    return this.#wait(() => holds(), signal);
  }

  /** Resolves with the next picture in which a pixel of the region (everything by default) differs from what it is now. */
  async waitForChange(region: Region | undefined, signal: AbortSignal): Promise<void> {
    const before = this.picture.hash(region);
    await this.#wait(() => this.picture.hash(region) !== before, signal);
  }

  /** Resolves when the first full picture is there. */
  async firstPicture(signal: AbortSignal): Promise<Picture> {
    await this.#wait(() => this.#updates > 0, signal);
    return this.picture;
  }

  close(): void {
    this.#stream.destroy();
  }

  #wait(holds: () => boolean, signal: AbortSignal): Promise<void> {
    return outcomeOf(signal, (resolve, reject) => {
      const check = () => {
        if (holds()) resolve();
        else if (this.#failure) reject(this.#failure);
      };
      this.#listeners.add(check);
      check();
      return () => this.#listeners.delete(check);
    });
  }

  #start(): void {
    const pixelFormat = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    const encodings = Buffer.alloc(4 + 4 * this.#encodings.length);
    encodings[0] = 2;
    encodings.writeUInt16BE(this.#encodings.length, 2);
    this.#encodings.forEach((encoding, i) => encodings.writeInt32BE(encoding, 4 + 4 * i));
    this.#stream.write(Buffer.concat([pixelFormat, encodings]));
    this.requestUpdate(false);
    this.#run().catch((error: unknown) => {
      this.#failure = error as Error;
      this.#stream.destroy();
      this.#tell();
    });
  }

  async #run(): Promise<never> {
    for (;;) {
      const type = (await this.#reader.take(1))[0]!;
      if (type === 0) {
        await this.#update();
        this.#updates++;
        this.requestUpdate(true);
      } else if (type === 3) {
        const head = await this.#reader.take(7);
        this.clipboard = (await this.#reader.take(head.readUInt32BE(3))).toString('latin1');
      } else if (type !== 2) {
        throw new Error(`unexpected server message ${type}`);
      }
      this.#tell();
    }
  }

  async #update(): Promise<void> {
    const count = (await this.#reader.take(3)).readUInt16BE(1);
    for (let i = 0; i < count; i++) {
      const head = await this.#reader.take(12);
      const region = {
        x: head.readUInt16BE(0),
        y: head.readUInt16BE(2),
        width: head.readUInt16BE(4),
        height: head.readUInt16BE(6),
      };
      const encoding = head.readInt32BE(8);
      if (encoding === RAW) {
        const bytes = await this.#reader.take(region.width * region.height * 4);
        this.picture.put(region, (index) => bytes.readUInt32LE(4 * index) & 0xffffff);
      } else if (encoding === HEXTILE) {
        await decodeHextile(this.#reader, this.picture, region);
      } else if (encoding === COPY_RECT) {
        const from = await this.#reader.take(4);
        this.picture.copy(region, from.readUInt16BE(0), from.readUInt16BE(2));
      } else if (encoding === DESKTOP_SIZE) {
        this.picture = new Picture(region.width, region.height);
        this.requestUpdate(false);
      } else if (encoding === CURSOR) {
        const pixels = await this.#reader.take(region.width * region.height * 4);
        await this.#reader.take(Math.ceil(region.width / 8) * region.height);
        this.cursor = new Picture(region.width, region.height);
        this.cursor.put(
          { x: 0, y: 0, width: region.width, height: region.height },
          (index) => pixels.readUInt32LE(4 * index) & 0xffffff,
        );
      } else {
        throw new Error(`unexpected encoding ${encoding}`);
      }
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

async function handshake(
  stream: Duplex,
  reader: ByteReader,
  minor: 3 | 7 | 8,
): Promise<{ version: string; name: string; picture: Picture }> {
  const version = (await reader.take(12)).toString('latin1').trim();
  if (!/^RFB 003\.\d{3}$/.test(version)) throw new Error(`not an RFB server: ${JSON.stringify(version)}`);
  stream.write(`RFB 003.00${minor}\n`);
  const reason = async () => (await reader.take((await reader.take(4)).readUInt32BE())).toString();
  if (minor === 3) {
    const type = (await reader.take(4)).readUInt32BE();
    if (type === 0) throw new Error(await reason());
    if (type !== 1) throw new Error(`security type ${type} instead of None`);
  } else {
    const count = (await reader.take(1))[0]!;
    if (count === 0) throw new Error(await reason());
    const types = await reader.take(count);
    if (!types.includes(1)) throw new Error(`no security type None among ${[...types].join(', ')}`);
    stream.write(Buffer.from([1]));
    if (minor === 8 && (await reader.take(4)).readUInt32BE() !== 0) throw new Error(await reason());
  }
  stream.write(Buffer.from([1]));
  const init = await reader.take(24);
  const name = (await reader.take(init.readUInt32BE(20))).toString();
  return { version, name, picture: new Picture(init.readUInt16BE(0), init.readUInt16BE(2)) };
}
