import { createConnection } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { LIMITS, StreamSpaceError } from '@streamspace/protocol';
import { settle, VirtualClock } from '@streamspace/testkit';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pictures } from '../../src/picture/pictures.ts';
import { testScreen } from '../../../desktop/test/support/screen.ts';

type Colour = [red: number, green: number, blue: number];

interface Scripted {
  width?: number;
  height?: number;
  colour?: (x: number, y: number) => Colour;
  version?: string;
  types?: number[];
  /** Said before the update. */
  before?: Buffer;
  /** The first request is answered with this size, without pixels. */
  resized?: { width: number; height: number };
  /** Rows of each rectangle; 0: nothing at all comes. */
  rows?: number;
  /** Bytes that come at a time; each piece in a turn of the event loop of its own. */
  pieces?: number;
}

/** A picture's size and its pixels, of a PNG file. */
function read(png: Buffer): { width: number; height: number; at: (x: number, y: number) => Colour } {
  const { width, height, data } = PNG.sync.read(png);
  const at = (x: number, y: number) => [...data.subarray(4 * (y * width + x)).subarray(0, 3)] as Colour;
  return { width, height, at };
}

describe('V9 [PIC1] a picture of a screen', () => {
  let clock: VirtualClock;
  let pictures: Pictures;
  let scripted: Scripted;
  /** The screens' ends and ours, in order. */
  let screens: Duplex[];
  let opened: Duplex[];
  let said: Buffer[];
  let stop: AbortController;
  let refusal: StreamSpaceError | undefined;

  beforeEach(() => {
    clock = new VirtualClock();
    scripted = {};
    screens = [];
    opened = [];
    said = [];
    refusal = undefined;
    stop = new AbortController();
    pictures = new Pictures({ connect: async () => connect() }, clock);
  });
  afterEach(() => {
    stop.abort(new StreamSpaceError('going_away', 'the test is over'));
    for (const screen of screens) screen.destroy();
  });

  function connect(): Duplex {
    if (refusal !== undefined) throw refusal;
    const [near, far] = duplexPair();
    screens.push(far);
    opened.push(near);
    const index = screens.length - 1;
    said.push(Buffer.alloc(0));
    far.on('error', () => undefined);
    const { version = 'RFB 003.008\n', types = [1] } = scripted;
    const steps: [after: number, answer: () => void][] = [
      [version.length, () => far.write(Buffer.of(types.length, ...types))],
      [version.length + 1, () => version.endsWith('8\n') && far.write(Buffer.alloc(4))],
      [version.length + 2, () => init(far)],
      [version.length + 44, () => update(far)],
    ];
    // further requests
    for (let more = 1; more < 9; more++) steps.push([version.length + 44 + 10 * more, () => update(far)]);
    far.on('data', (chunk: Buffer) => {
      said[index] = Buffer.concat([said[index]!, chunk]);
      while (steps.length > 0 && said[index].length >= steps[0]![0]) steps.shift()![1]();
    });
    far.write(version);
    return near;
  }

  function init(far: Duplex): void {
    const { width = 800, height = 600 } = scripted;
    const head = Buffer.alloc(24);
    head.writeUInt16BE(width, 0);
    head.writeUInt16BE(height, 2);
    head.writeUInt32BE(4, 20);
    far.write(Buffer.concat([head, Buffer.from('name')]));
  }

  function update(far: Duplex): void {
    const { width = 800, height = 600, colour = () => [10, 20, 30] as Colour, before, rows = height } = scripted;
    if (before !== undefined) far.write(before);
    if (scripted.resized !== undefined) {
      scripted = scripted.resized;
      far.write(Buffer.of(0, 0, 0, 1, 0, 0, 0, 0, 0, scripted.width!, 0, scripted.height!, 255, 255, 255, 33));
      return;
    }
    if (rows === 0) return;
    const count = Math.ceil(height / rows);
    far.write(Buffer.of(0, 0, count >> 8, count & 255));
    for (let from = 0; from < height; from += rows) {
      const high = Math.min(rows, height - from);
      const head = Buffer.alloc(12);
      head.writeUInt16BE(from, 2);
      head.writeUInt16BE(width, 4);
      head.writeUInt16BE(high, 6);
      const pixels = Buffer.alloc(4 * width * high);
      for (let y = 0; y < high; y++)
        for (let x = 0; x < width; x++) {
          const [red, green, blue] = colour(x, from + y);
          pixels.writeUInt32LE((red << 16) | (green << 8) | blue, 4 * (y * width + x));
        }
      const all = Buffer.concat([head, pixels]);
      const step = scripted.pieces ?? all.length;
      const send = (at: number): void => {
        far.write(all.subarray(at, at + step));
        if (at + step < all.length) setImmediate(() => send(at + step));
      };
      send(0);
    }
  }

  it('is small, in its colours, and sends neither keys nor the pointer', async () => {
    scripted = { width: 1600, height: 900, rows: 300, colour: (x) => (x < 800 ? [200, 100, 50] : [0, 0, 255]) };
    const { width, height, at } = read(await pictures.take('s1', stop.signal));
    expect([width, height]).toEqual([480, 270]);
    expect([at(0, 0), at(239, 269), at(240, 0), at(479, 269)]).toEqual([
      [200, 100, 50],
      [200, 100, 50],
      [0, 0, 255],
      [0, 0, 255],
    ]);
    // version, security, shared; pixel format, encodings, one request: that is all
    expect(said[0]).toHaveLength(12 + 1 + 1 + 20 + 12 + 10);
    expect(said[0]!.subarray(12, 14)).toEqual(Buffer.of(1, 1));
    expect([...said[0]!.subarray(46)]).toEqual([3, 0, 0, 0, 0, 0, 6, 64, 3, 132]);
    expect(opened[0]!.destroyed).toBe(true);
  });

  it('of a small screen is as large as that; means are taken of what is reduced', async () => {
    scripted = { width: 96, height: 2, colour: (x) => [x, 0, 0] };
    expect(read(await pictures.take('s1', stop.signal))).toMatchObject({ width: 96, height: 2 });
    scripted = { width: 960, height: 720, colour: (x, y) => ((x + y) % 2 === 0 ? [100, 0, 0] : [0, 0, 200]) };
    expect(read(await pictures.take('s1', stop.signal)).at(7, 9)).toEqual([50, 0, 100]);
  });

  it('stays within its bytes, whatever is shown', async () => {
    let seed = 1;
    const noise = () => (seed = (seed * 48_271) % 2_147_483_647) & 255;
    scripted = { width: 480, height: 360, colour: () => [noise(), noise(), noise()] };
    const png = await pictures.take('s1', stop.signal);
    expect(png.length).toBeLessThanOrEqual(LIMITS.picture);
    expect(read(png)).toMatchObject({ width: 240, height: 180 });
  });

  it('comes through whatever else a screen says before, and by RFB 3.7', async () => {
    const text = Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 0, 0, 2), Buffer.from('hi')]);
    const colours = Buffer.concat([Buffer.of(1, 0, 0, 0, 0, 2), Buffer.alloc(12)]);
    scripted = {
      version: 'RFB 003.007\n',
      before: Buffer.concat([Buffer.of(2), text, colours, Buffer.of(0, 0, 0, 0)]),
    };
    expect(read(await pictures.take('s1', stop.signal)).at(0, 0)).toEqual([10, 20, 30]);
  });

  it('is of the new size when a viewer resizes the screen meanwhile', async () => {
    scripted = { width: 320, height: 200, resized: { width: 64, height: 48 } };
    expect(read(await pictures.take('s1', stop.signal))).toMatchObject({ width: 64, height: 48 });
    expect([...said[0]!.subarray(-4)]).toEqual([0, 64, 0, 48]);
  });

  it.each<[string, Scripted, string]>([
    ['another version', { version: 'RFB 003.003\n' }, 'does not speak RFB 3.8'],
    ['a password', { types: [2] }, 'asks for a password'],
    ['no pixels', { width: 0 }, '0×600 pixels'],
    ['pixels without end', { width: 60_000, height: 60_000 }, '60000×60000 pixels'],
    ['something unknown', { before: Buffer.of(77) }, 'unknown message (77)'],
    ['a text without end', { before: Buffer.of(3, 0, 0, 0, 255, 255, 255, 255) }, 'endless message'],
    [
      'a rectangle outside',
      { before: Buffer.of(0, 0, 0, 1, 255, 255, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0) },
      'outside the screen',
    ],
    ['no pixels any more', { before: Buffer.of(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 255, 255, 255, 33) }, '0×2 pixels'],
    ['another encoding', { before: Buffer.of(0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 7) }, 'was not requested'],
  ])('of a screen that has %s is refused, and the screen let go', async (_what, screen, words) => {
    scripted = screen;
    await expect(pictures.take('s1', stop.signal)).rejects.toMatchObject({
      code: 'screen_unreachable',
      message: expect.stringContaining(words),
    });
    expect(opened[0]!.destroyed).toBe(true);
  });

  it('of a desktop that is only just beginning is taken a little later; of one that stays black in the end', async () => {
    let frames = 0;
    let black = 2;
    const colour = (x: number, y: number): Colour => {
      if (x === 0 && y === 0) frames++;
      return frames <= black ? [0, 0, 0] : [9, 9, 9];
    };
    scripted = { width: 8, height: 8, colour };
    /** Time goes on while it waits for that. */
    const taken = async () => {
      let png: Buffer | undefined;
      void pictures.take('s1', stop.signal).then((picture) => (png = picture));
      while (png === undefined) {
        await settle();
        if (clock.pending > 1) await clock.advance(1_000);
      }
      return read(png).at(4, 4);
    };
    expect([await taken(), frames]).toEqual([[9, 9, 9], 3]);
    frames = 0;
    black = 99;
    expect([await taken(), frames]).toEqual([[0, 0, 0], 4]);
  });

  it('comes in pieces of any size, while everything else goes on', async () => {
    scripted = { width: 40, height: 3, pieces: 7 };
    let turns = 0;
    const turn = () => void (turns++, (going = setImmediate(turn)));
    let going = setImmediate(turn);
    expect(read(await pictures.take('s1', stop.signal)).at(39, 2)).toEqual([10, 20, 30]);
    clearImmediate(going);
    expect(turns).toBeGreaterThan(40);
  });

  it('ends with its screen, its time, and whoever wants it', async () => {
    scripted = { rows: 0 };
    const closed = pictures.take('s1', stop.signal);
    await clock.advance(0);
    screens[0]!.end();
    await expect(closed).rejects.toMatchObject({ code: 'screen_unreachable' });
    const late = expect(pictures.take('s1', stop.signal)).rejects.toThrow(/8000|picture/);
    await clock.advance(8_000);
    await late;
    const unwanted = expect(pictures.take('s1', stop.signal)).rejects.toMatchObject({ code: 'going_away' });
    stop.abort(new StreamSpaceError('going_away', 'the link is over'));
    await unwanted;
    expect(clock.pending).toBe(0);
  });

  it('is the one that a viewer of the built-in desktop’s server sees', async () => {
    const screen = await testScreen();
    const viewed = new Pictures({ connect: async () => createConnection(screen.path) }, clock);
    const { width, height, at } = read(await viewed.take('s1', stop.signal));
    expect([width, height]).toEqual([100, 70]);
    for (const [x, y] of [
      [0, 0],
      [99, 0],
      [50, 35],
      [99, 69],
    ] as const) {
      const pixel = screen.frame.pixels[y * 100 + x]!;
      expect(at(x, y)).toEqual([pixel >> 16, (pixel >> 8) & 255, pixel & 255]);
    }
    await screen.viewers(0);
    expect(screen.input).toEqual([]);
    await screen.close();
  });

  it('is taken of two screens at a time; of too many the next is refused, and a session that sleeps says so', async () => {
    scripted = { rows: 0 };
    const wanted = Array.from({ length: 130 }, () => pictures.take('s1', stop.signal).catch((error: unknown) => error));
    await clock.advance(0);
    expect(screens).toHaveLength(2);
    await expect(pictures.take('s1', stop.signal)).rejects.toMatchObject({ code: 'at_capacity' });
    screens[0]!.end();
    await wanted[0];
    await clock.advance(0);
    expect(screens).toHaveLength(3);
    stop.abort(new StreamSpaceError('going_away', 'the link is over'));
    await Promise.all(wanted);
    stop = new AbortController();
    refusal = new StreamSpaceError('session_not_running', 's1 is not running');
    await expect(pictures.take('s1', stop.signal)).rejects.toBe(refusal);
  });
});
