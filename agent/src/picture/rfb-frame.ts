import { whenAborted } from 'clock-port';
import type { Duplex } from 'node:stream';
import { StreamSpaceError } from '@streamspace/protocol';
import { type Raster, Reduction } from './raster.ts';

/** Pixels of the largest accepted screen: 8 K twice. */
const MAX_PIXELS = 2 ** 26;
/** Longest skipped name, reason or clipboard text, bytes. */
const MAX_TEXT = 2 ** 20;
const NONE = 1;
const SET_PIXEL_FORMAT = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
const RAW = 0;
/** A pseudo-encoding: the rectangle has no pixels, its width and height are the screen's new size. TigerVNC ends the connections that lack it when a viewer resizes. */
const DESKTOP_SIZE = -223;
const SET_ENCODINGS = Buffer.from([2, 0, 0, 2, 0, 0, 0, RAW, 255, 255, 255, 256 + DESKTOP_SIZE]);

const refused = (why: string): StreamSpaceError => new StreamSpaceError('screen_unreachable', `No picture: ${why}`);

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A screen's picture, reduced to fit in `box`, by RFB 3.7 or 3.8 without a password: each call is one whole update, read a row at a time. It sends no key
 * or pointer event, so it does not count as use of the session. The caller closes the stream, and bounds the time by the signal. Throws `screen_unreachable`.
 */
export function framesOf(screen: Duplex, box: Size, signal: AbortSignal): () => Promise<Raster> {
  const bytes = new Bytes(screen, signal);
  let size: Size | undefined;
  return async () => {
    if (size === undefined) {
      size = await greet(bytes, screen);
      screen.write(Buffer.concat([SET_PIXEL_FORMAT, SET_ENCODINGS]));
    }
    for (;;) {
      const { width, height } = size;
      const request = Buffer.alloc(10);
      request[0] = 3;
      request.writeUInt16BE(width, 6);
      request.writeUInt16BE(height, 8);
      screen.write(request);
      const reduction = new Reduction(width, height, box);
      let read: Read;
      while ((read = await readMessage(bytes, reduction)) === 'nothing');
      if (read === 'pixels') return reduction.result();
      // resized meanwhile: what arrived is of the old size
      size = read;
    }
  };
}

/** A message's content: no pixels, an update with pixels, or the screen's new size. */
type Read = 'nothing' | 'pixels' | Size;

/** The handshake; the screen's size. */
async function greet(bytes: Bytes, screen: Duplex): Promise<{ width: number; height: number }> {
  const version = /^RFB 003\.00([78])\n$/.exec((await bytes.take(12)).toString('latin1'));
  if (version === null) throw refused('the screen does not speak RFB 3.8');
  screen.write(version[0]);
  const [types = 0] = await bytes.take(1);
  if (types === 0) throw refused(`the screen refuses: ${await text(bytes)}`);
  if (!(await bytes.take(types)).includes(NONE)) throw refused('the screen asks for a password');
  screen.write(Buffer.of(NONE));
  if (version[1] === '8' && (await bytes.take(4)).readUInt32BE() !== 0)
    throw refused(`the screen refuses: ${await text(bytes)}`);
  // shared: other viewers keep their connections
  screen.write(Buffer.of(1));
  const init = await bytes.take(20);
  await text(bytes);
  return checked({ width: init.readUInt16BE(0), height: init.readUInt16BE(2) });
}

function checked(size: Size): Size {
  const { width, height } = size;
  if (width === 0 || height === 0 || width * height > MAX_PIXELS)
    throw refused(`the screen has ${width}×${height} pixels`);
  return size;
}

async function text(bytes: Bytes): Promise<string> {
  const length = (await bytes.take(4)).readUInt32BE();
  if (length > MAX_TEXT) throw refused('the screen sends an endless message');
  return length === 0 ? '' : (await bytes.take(length)).toString('latin1').slice(0, 200);
}

async function readMessage(bytes: Bytes, reduction: Reduction): Promise<Read> {
  const [type] = await bytes.take(1);
  switch (type) {
    case 0: {
      const rectangles = (await bytes.take(3)).readUInt16BE(1);
      let read: Read = 'nothing';
      for (let n = 0; n < rectangles; n++) {
        const next = await readRectangle(bytes, reduction);
        if (next !== 'nothing' && typeof read === 'string') read = next;
      }
      return read;
    }
    case 1:
      await bytes.take(6 * (await bytes.take(5)).readUInt16BE(3));
      return 'nothing';
    case 2:
      return 'nothing';
    case 3:
      await bytes.take(3);
      await text(bytes);
      return 'nothing';
    default:
      throw refused(`the screen sends an unknown message (${type})`);
  }
}

async function readRectangle(bytes: Bytes, reduction: Reduction): Promise<Read> {
  const head = await bytes.take(12);
  const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [number, number, number, number];
  const encoding = head.readInt32BE(8);
  if (encoding === DESKTOP_SIZE) return checked({ width, height });
  if (encoding !== RAW) throw refused('the screen sends data that was not requested');
  if (x + width > reduction.from.width || y + height > reduction.from.height)
    throw refused('a rectangle outside the screen');
  if (width * height === 0) return 'nothing';
  for (let row = 0; row < height; row++) reduction.add(x, y + row, await bytes.take(4 * width));
  return 'pixels';
}

/** Reads exact numbers of bytes from a stream. */
class Bytes {
  readonly #stream: Duplex;
  readonly #signal: AbortSignal;
  #wake = (): void => undefined;

  constructor(stream: Duplex, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    const changed = () => this.#wake();
    // one permanent listener: a new listener would be called at once for the same insufficient bytes, again and again, and would starve other work
    for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, changed);
    whenAborted(signal, changed);
  }

  async take(count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0);
    const stream = this.#stream;
    for (;;) {
      this.#signal.throwIfAborted();
      const bytes = stream.read(count) as Buffer | null;
      if (bytes?.length === count) return bytes;
      if (bytes !== null || stream.readableEnded || stream.destroyed) throw refused('the session closed its screen');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
